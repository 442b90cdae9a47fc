using CloudState.Knative.Crdts;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Microsoft.Extensions.Hosting;

namespace CloudState.Knative.Routing;

/// <summary>
/// Brings what other pods have stored of replicated values to the replicas in memory: what they tell, and now and then what the store has of late, for what was lost on the way.
/// </summary>
/// <param name="runtime">With the replicas.</param>
/// <param name="store">What others have stored; null when only this process can use the store.</param>
/// <param name="entityTypes">The types whose entities are replicated.</param>
/// <param name="health">Of the store.</param>
/// <param name="options">How often to look.</param>
/// <param name="time">The time.</param>
internal sealed class ReplicaSync(
    EntityRuntime runtime, IReplicaStore? store, IReadOnlyCollection<string> entityTypes, StoreHealth health, CrdtOptions options, TimeProvider time) : BackgroundService
{
    // How long a transaction may take that was begun before a look, and is not seen by it.
    private static readonly TimeSpan LongestTransaction = TimeSpan.FromSeconds(15);

    private const int MaxKeysPerRead = 100;

    /// <summary>Takes what another pod tells. Does not wait for it to be merged.</summary>
    public void Receive(ReplicaUpdates updates)
    {
        foreach (var update in updates.Updates)
        {
            _ = MergeAsync(update);
        }
    }

    /// <summary>Merges what was stored of a value, if that is in memory.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task ConfirmAsync(ReplicaPoint stored)
    {
        // Behind what is being loaded, which may have been read before that was stored.
        await runtime.TryMergeAsync(new ReplicaUpdate { EntityType = stored.EntityType, Key = stored.Key });
        if (stored.Seat < 0 || !runtime.HasSeen(stored.EntityType, new ReplicaNews(stored.Key, stored.Epoch, stored.Seat, stored.Number)))
        {
            await ReadAsync(stored.EntityType, [stored.Key], CancellationToken.None);
        }
    }

    /// <summary>Reads what was stored of late and is missing here.</summary>
    /// <param name="within">How far to look back.</param>
    /// <param name="cancellationToken">Cancels the reads.</param>
    public async Task SyncAsync(TimeSpan within, CancellationToken cancellationToken)
    {
        foreach (var type in entityTypes)
        {
            var news = await store!.FindNewsAsync(type, within, cancellationToken);
            foreach (var keys in news.Where(found => !runtime.HasSeen(type, found)).Select(found => found.Key).Distinct().Chunk(MaxKeysPerRead))
            {
                await ReadAsync(type, keys, cancellationToken);
            }
        }
    }

    /// <summary>Merges what the store has of values that are in memory.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task ReadAsync(string entityType, string[] keys, CancellationToken cancellationToken)
    {
        var values = await store!.ReadAsync(entityType, keys, cancellationToken);
        for (var index = 0; index < keys.Length; index++)
        {
            var update = new ReplicaUpdate { EntityType = entityType, Key = keys[index], Epoch = values[index].Epoch };
            update.State = values[index].State is { } state ? UnsafeByteOperations.UnsafeWrap(state) : ByteString.Empty;
            update.Deltas.AddRange(values[index].Deltas.Select(delta => UnsafeByteOperations.UnsafeWrap(delta)));
            await runtime.TryMergeAsync(update);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (store is null || entityTypes.Count == 0)
        {
            return;
        }

        var within = options.SyncInterval + LongestTransaction;
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(options.SyncInterval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var started = time.GetTimestamp();
            try
            {
                await SyncAsync(within, stoppingToken);
                within = options.SyncInterval + LongestTransaction;
            }
            catch (StoreUnavailableException unavailable)
            {
                health.ReportDown(unavailable);
                within += options.SyncInterval + time.GetElapsedTime(started);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
            }
        }
    }

    private async Task MergeAsync(ReplicaUpdate update)
    {
        try
        {
            if (!await runtime.TryMergeAsync(update))
            {
                await ReadAsync(update.EntityType, [update.Key], CancellationToken.None);
            }
        }
        catch (StoreUnavailableException unavailable)
        {
            // The next look finds it.
            health.ReportDown(unavailable);
        }
    }
}
