using System.Collections.Frozen;
using CloudState.Knative.Storage;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Runtime;

/// <summary>
/// Groups the appends of many entities into few transactions. Slots are spread over lanes, as many as the store takes
/// transactions at a time, so that the appends of one slot stay in order.
/// </summary>
internal sealed class JournalWriter : IAsyncDisposable
{
    private readonly JournalLane[] _lanes;

    /// <param name="store">Where to append.</param>
    /// <param name="journals">By entity type; only of types whose events are consumed.</param>
    /// <param name="health">Gets to know whether the store answers.</param>
    /// <param name="maxBatchSize">Commands in one transaction.</param>
    /// <param name="logger">Gets to know of snapshots that cannot be stored.</param>
    public JournalWriter(IEntityStore store, FrozenDictionary<string, TypeJournal> journals, StoreHealth health, int maxBatchSize, ILogger<JournalWriter> logger) =>
        _lanes = [.. Enumerable.Range(0, store.MaxConcurrentAppends).Select(_ => new JournalLane(store, journals, health, maxBatchSize, logger))];

    public void Append(PendingAppend append) => _lanes[(uint)append.Slot.GetHashCode() % (uint)_lanes.Length].Append(append);

    /// <summary>Writes what is waiting and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var lane in _lanes)
        {
            await lane.DisposeAsync();
        }
    }
}
