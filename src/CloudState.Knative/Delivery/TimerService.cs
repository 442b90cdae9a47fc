using CloudState.Knative.Calls;
using CloudState.Knative.Cluster;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Outbox;
using CloudState.Knative.Storage;
using Microsoft.Extensions.Hosting;

namespace CloudState.Knative.Delivery;

/// <summary>Makes deliveries of timers that are due. Reads ahead from the store, so that a process holds only the timers that fire soon.</summary>
internal sealed class TimerService(
    TimerSchedule schedule, Deliveries deliveries, OwnedOutbox outbox, ClusterState cluster, IEntityStore store, StoreHealth health, DeliveryOptions options, TimeProvider time) : BackgroundService
{
    private const int MaxRemovals = 1000;
    private static readonly TimeSpan ReadAhead = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan StorePause = TimeSpan.FromSeconds(1);

    private volatile HashSet<OwnedSlot> _read = [];
    private DateTimeOffset _horizon = DateTimeOffset.UnixEpoch;

    /// <summary>Whether the timers of all slots were read that this process owns.</summary>
    public bool HasReadAll => _read.IsSupersetOf(cluster.Owned.Where(slot => !slot.IsOver));

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await RemoveFiredAsync();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        while (!stoppingToken.IsCancellationRequested)
        {
            var (changed, clusterChanged, loaded) = (schedule.Changes.Next, cluster.Changed, outbox.Loads.Next);
            var pause = StorePause;
            try
            {
                await ReadAsync(stoppingToken);
                Fire();
                await RemoveFiredAsync();
                pause = UntilNext();
            }
            catch (StoreUnavailableException unavailable)
            {
                health.ReportDown(unavailable);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            await Pulse.AnyAsync(pause, time, stoppingToken, changed, clusterChanged, loaded);
        }
    }

    /// <summary>Reads the timers of the next minute: when slots have come, and when half of the minute is over.</summary>
    private async Task ReadAsync(CancellationToken stopping)
    {
        var owned = cluster.Owned.Where(slot => !slot.IsOver && outbox.IsLoaded(slot)).ToHashSet();
        var now = time.GetUtcNow();
        if (owned.SetEquals(_read) && now < _horizon - (ReadAhead / 2))
        {
            return;
        }

        var (horizon, slots) = (now + ReadAhead, owned.ToDictionary(slot => slot.Slot));
        schedule.StartReading(owned, horizon);
        var (due, next) = owned.Count == 0 ? new ComingTimers([], Next: null) : await store.Timers.ReadAsync(slots.Keys, horizon, stopping);
        schedule.Merge(due, next, slots);
        (_read, _horizon) = (owned, horizon);
    }

    private void Fire()
    {
        var now = time.GetUtcNow();
        schedule.TakeDue(now, (timer, slot) =>
        {
            CloudStateTelemetry.TimerFired(now - timer.DueAt);
            deliveries.Add(
                new PendingDelivery(
                    OutboxEntry.CommandIdOf(timer.Id), timer.Origin, PendingDelivery.Timers + timer.Name, timer.Method,
                    () => schedule.IsCurrent(timer) ? new StoredDelivery { Call = StoredCall.Parser.ParseFrom(timer.Call), CommandId = OutboxEntry.CommandIdOf(timer.Id) } : null,
                    () => schedule.Complete(timer))
                { KeepsOrder = false },
                slot);
        });
    }

    private async Task RemoveFiredAsync()
    {
        var fired = new List<Guid>();
        while (schedule.Fired.TryRead(out var id))
        {
            fired.Add(id);
        }

        foreach (var ids in fired.Chunk(MaxRemovals))
        {
            await store.Timers.RemoveAsync(ids, CancellationToken.None);
        }
    }

    private TimeSpan UntilNext()
    {
        var now = time.GetUtcNow();
        var until = (schedule.Next ?? DateTimeOffset.MaxValue) - now;
        var untilRead = _horizon - (ReadAhead / 2) - now;
        var pause = until < untilRead ? until + (options.TimerJitter * Random.Shared.NextDouble()) : untilRead;
        return pause > TimeSpan.Zero ? pause : TimeSpan.FromMilliseconds(1);
    }
}
