using CloudState.Knative.Storage;

namespace CloudState.Knative.Runtime;

/// <summary>
/// Groups the appends of many entities into few transactions. Entities are spread over lanes, as many as the store takes
/// transactions at a time, so that the appends of one entity stay in order.
/// </summary>
internal sealed class JournalWriter : IAsyncDisposable
{
    private readonly JournalLane[] _lanes;

    public JournalWriter(IEntityStore store, StoreHealth health, int maxBatchSize) =>
        _lanes = [.. Enumerable.Range(0, store.MaxConcurrentAppends).Select(_ => new JournalLane(store, health, maxBatchSize))];

    public void Append(PendingAppend append) => _lanes[(uint)append.EntityId.GetHashCode() % (uint)_lanes.Length].Append(append);

    /// <summary>Writes what is waiting and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var lane in _lanes)
        {
            await lane.DisposeAsync();
        }
    }
}
