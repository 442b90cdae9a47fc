using CloudState.Knative.Diagnostics;
using CloudState.Knative.Ownership;
using CloudState.Knative.Routing;
using CloudState.Knative.Storage;
using Grpc.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Effects;

/// <summary>Makes the calls of the <see cref="Outbox"/>: loads those of slots that this process has come to own, tries again what may work later, and removes what is done.</summary>
internal sealed partial class OutboxDispatcher(
    Outbox outbox, ServiceCalls calls, RingState ring, IEntityStore store, StoreHealth health, EffectOptions options, TimeProvider time, ILogger<OutboxDispatcher> logger)
    : BackgroundService
{
    private const int MaxRemovals = 1000;
    private const int AttemptsBeforeWarning = 5;
    private static readonly TimeSpan LoadDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan StorePause = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _free = new(options.MaxConcurrent);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(UntilStopped(LoadAsync, stoppingToken), UntilStopped(MakeAllAsync, stoppingToken), UntilStopped(RemoveAsync, stoppingToken));

    /// <summary>Waits for effects that are not stored. Those that are can be made by others; what has been made is removed.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await calls.Detached.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await base.StopAsync(cancellationToken);
        await TryRemoveAsync(TakeDone());
    }

    /// <summary>Loads each slot once it is owned.</summary>
    private async Task LoadAsync(CancellationToken stopping)
    {
        while (true)
        {
            var changed = ring.Changed;
            var owned = ring.Owned.Where(slot => !slot.IsOver).ToHashSet();
            outbox.KeepOnly(owned);
            if (!owned.All(outbox.IsLoaded))
            {
                // Whoever has waited for the slots comes first.
                await Task.Delay(LoadDelay, time, stopping);
                while (!await TryLoadAsync(owned, stopping))
                {
                    await Task.Delay(StorePause, time, stopping);
                }
            }

            await changed.WaitAsync(stopping);
        }
    }

    private async Task<bool> TryLoadAsync(IEnumerable<OwnedSlot> owned, CancellationToken stopping)
    {
        try
        {
            var added = owned.Where(slot => !outbox.IsLoaded(slot)).ToDictionary(slot => slot.Slot);
            var stored = (await store.ReadOutboxAsync(added.Keys, stopping)).ToLookup(entry => entry.Slot);
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

    private async Task MakeAllAsync(CancellationToken stopping)
    {
        await foreach (var origin in outbox.Ready.ReadAllAsync(stopping))
        {
            await _free.WaitAsync(stopping);
            _ = MakeFirstAsync(origin, stopping);
        }
    }

    private async Task MakeFirstAsync(OriginCalls origin, CancellationToken stopping)
    {
        try
        {
            // Without the ownership the calls are somebody else's; and if only the lease is late, there is a store to wait for.
            if (origin.Slot.IsOver)
            {
                return;
            }

            var entry = origin.Waiting.Peek();
            var status = origin.Slot.IsHeld ? await TryMakeAsync(entry, stopping) : new Status(StatusCode.Unavailable, "The lease has not been renewed.");
            if (status.StatusCode != StatusCode.OK && MayWorkLater(status.StatusCode, ++origin.Attempts))
            {
                if (origin.Attempts == AttemptsBeforeWarning)
                {
                    LogWaiting(entry.Method, entry.Origin, status.StatusCode, status.Detail, origin.Attempts);
                }

                _ = RetryLaterAsync(origin, stopping);
                return;
            }

            if (status.StatusCode != StatusCode.OK)
            {
                LogGivenUp(entry.Method, entry.Origin, status.StatusCode, status.Detail, origin.Attempts);
            }

            outbox.CompleteFirst(origin);
        }
        finally
        {
            _free.Release();
        }
    }

    private async Task<Status> TryMakeAsync(OutboxEntry entry, CancellationToken stopping)
    {
        try
        {
            var status = (await calls.CallAsync(entry, stopping)).Status;
            CloudStateTelemetry.EffectMade(status.StatusCode);
            return status;
        }
        catch (Exception unexpected)
        {
            LogUnexpected(entry.Method, entry.Origin, unexpected);
            return new Status(StatusCode.Internal, unexpected.Message);
        }
    }

    private bool MayWorkLater(StatusCode code, int attempts) => code switch
    {
        StatusCode.Internal or StatusCode.Unknown => attempts < options.MaxAttempts,
        _ => code.IsTransient(),
    };

    private async Task RetryLaterAsync(OriginCalls origin, CancellationToken stopping)
    {
        var delay = options.RetryDelay * Math.Pow(2, Math.Min(origin.Attempts - 1, 30));
        await Task.Delay(delay < options.MaxRetryDelay ? delay : options.MaxRetryDelay, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        outbox.Retry(origin);
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

    // Not cancelled when the service stops: what is removed now need not be made again.
    private async Task<bool> TryRemoveAsync(List<Guid> done)
    {
        try
        {
            if (done.Count == 0)
            {
                return true;
            }

            await store.RemoveFromOutboxAsync(done, CancellationToken.None);
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

    [LoggerMessage(51, LogLevel.Warning, "The effect {Method} of {Origin} could not be made in {Attempts} attempts: {StatusCode}, {Detail}. It is tried on.", EventName = "EffectWaiting")]
    private partial void LogWaiting(string method, EntityKey origin, StatusCode statusCode, string detail, int attempts);

    [LoggerMessage(52, LogLevel.Error, "The effect {Method} of {Origin} failed.", EventName = "EffectFailed")]
    private partial void LogUnexpected(string method, EntityKey origin, Exception unexpected);

    [LoggerMessage(50, LogLevel.Error, "The effect {Method} of {Origin} is given up after {Attempts} attempts: {StatusCode}, {Detail}", EventName = "EffectGivenUp")]
    private partial void LogGivenUp(string method, EntityKey origin, StatusCode statusCode, string detail, int attempts);
}
