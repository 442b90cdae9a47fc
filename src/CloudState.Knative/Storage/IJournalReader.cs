using System.Diagnostics;
using CloudState.Knative.Protobuf;

namespace CloudState.Knative.Storage;

/// <summary>The events of all entities in one order, and how far their consumers have come.</summary>
internal interface IJournalReader
{
    /// <summary>Reads on from a position. Events of one entity come in their order; what was returned once as read is complete, however late transactions commit.</summary>
    /// <param name="entityType">Whose events.</param>
    /// <param name="after">The <see cref="JournalBatch.Position"/> of the previous batch; 0 for the beginning.</param>
    /// <param name="maxCount">How many events of all types are looked at.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<JournalBatch> ReadAsync(string entityType, long after, int maxCount, CancellationToken cancellationToken);

    /// <summary>Up to which position a consumer is done with the events of each slot; slots in which it is not done with any are missing.</summary>
    Task<IReadOnlyDictionary<int, long>> ReadPositionsAsync(string consumer, string entityType, CancellationToken cancellationToken);

    /// <summary>Stores the positions of a consumer, as far as they are later than those that are stored.</summary>
    Task SavePositionsAsync(string consumer, string entityType, IReadOnlyDictionary<int, long> positions, CancellationToken cancellationToken);
}

/// <summary>Successive events.</summary>
/// <param name="Events">Those of the type that was asked for, in order.</param>
/// <param name="Position">Up to here everything was looked at.</param>
/// <param name="MayHaveMore">Whether to read on at once.</param>
internal sealed record JournalBatch(IReadOnlyList<JournalEvent> Events, long Position, bool MayHaveMore);

/// <summary>One event of one entity.</summary>
/// <param name="Position">Its place among the events of all entities.</param>
/// <param name="Origin">The entity.</param>
/// <param name="Sequence">Its place among the events of the entity; the first one is 1.</param>
/// <param name="TypeName">What it is called in the store.</param>
/// <param name="Json">The event, as <see cref="StoredTypes"/> reads it.</param>
/// <param name="Time">When it was stored.</param>
internal sealed record JournalEvent(long Position, EntityId Origin, long Sequence, string TypeName, ReadOnlyMemory<byte> Json, DateTimeOffset Time)
{
    /// <summary>The trace that has led to it, as far as this process knows.</summary>
    public ActivityContext Trace { get; init; }
}
