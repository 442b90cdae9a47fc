using CloudState.Knative.Cluster;
using CloudState.Knative.Dispatch;
using CloudState.Knative.Outbox;
using CloudState.Knative.Storage;
using Microsoft.Extensions.Hosting;

namespace CloudState.Knative.Delivery;

/// <summary>Brings what is stored to be delivered from the store to the <see cref="OwnedOutbox"/>, for each slot that this process comes to own, and removes what is done.</summary>
internal sealed class OutboxSync(OwnedOutbox outbox, Deliveries deliveries, RpcCalls calls, ClusterState cluster, IEntityStore store, StoreHealth health, TimeProvider time) : BackgroundService
{
    private const int MaxRemovals = 1000;
    private static readonly TimeSpan LoadDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan StorePause = TimeSpan.FromSeconds(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(UntilStopped(LoadAsync, stoppingToken), UntilStopped(RemoveAsync, stoppingToken));

    /// <summary>Waits for effects that are not stored. Those that are can be made by others; what has been made is removed.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await calls.Detached.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await base.StopAsync(cancellationToken);
        await TryRemoveAsync(TakeDone());
    }

    private async Task LoadAsync(CancellationToken stopping)
    {
        while (true)
        {
            var changed = cluster.Changed;
            var owned = cluster.Owned.Where(slot => !slot.IsOver).ToHashSet();
            outbox.KeepOnly(owned);
            deliveries.KeepOnly(owned);
            if (!owned.All(outbox.IsLoaded))
            {
                // The commands that have waited for the slots come first.
                await Task.Delay(LoadDelay, time, stopping);
                while (!await TryLoadAsync(owned, stopping))
                {
                    await Task.Delay(StorePause, time, stopping);
                }

                outbox.Loads.Send();
            }

            await changed.WaitAsync(stopping);
        }
    }

    private async Task<bool> TryLoadAsync(IEnumerable<OwnedSlot> owned, CancellationToken stopping)
    {
        try
        {
            var added = owned.Where(slot => !outbox.IsLoaded(slot)).ToDictionary(slot => slot.Slot);
            foreach (var (lane, origin) in await store.Parked.ReadOriginsAsync(added.Keys, stopping))
            {
                deliveries.MarkParked(lane, origin);
            }

            var stored = (await store.Outbox.ReadAsync(added.Keys, stopping)).ToLookup(entry => entry.Slot);
            foreach (var (slot, ownership) in added)
            {
                outbox.Load(ownership, stored[slot]);
            }

            return true;
        }
        catch (StoreUnavailableException unavailable)
        {
            health.ReportDown(unavailable);
            return false;
        }
    }

    private async Task RemoveAsync(CancellationToken stopping)
    {
        while (await outbox.Done.WaitToReadAsync(stopping))
        {
            var done = TakeDone();
            while (!await TryRemoveAsync(done))
            {
                await Task.Delay(StorePause, time, stopping);
            }
        }
    }

    private List<Guid> TakeDone()
    {
        var done = new List<Guid>();
        while (done.Count < MaxRemovals && outbox.Done.TryRead(out var id))
        {
            done.Add(id);
        }

        return done;
    }

    // Not cancelled when the service stops: what is removed now need not be delivered again.
    private async Task<bool> TryRemoveAsync(List<Guid> done)
    {
        try
        {
            if (done.Count > 0)
            {
                await store.Outbox.RemoveAsync(done, CancellationToken.None);
            }

            return true;
        }
        catch (StoreUnavailableException unavailable)
        {
            health.ReportDown(unavailable);
            return false;
        }
    }

    private static async Task UntilStopped(Func<CancellationToken, Task> work, CancellationToken stopping)
    {
        await Task.Yield();
        try
        {
            await work(stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
    }
}
