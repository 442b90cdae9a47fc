using CloudState.Knative.Storage;

namespace CloudState.Knative.Journal;

/// <summary>Takes the events of one entity type, those of a slot in order of their positions. Rpcs and topics are consumers.</summary>
internal interface IJournalConsumer
{
    /// <summary>The name under which its checkpoints are stored.</summary>
    string Name { get; }

    /// <summary>Whose events.</summary>
    string EntityType { get; }

    /// <summary>Where a new consumer starts.</summary>
    JournalStart Start { get; }

    /// <summary>
    /// Takes successive events of one slot. It opens in the checkpoint what it is not done with, and closes it later: the checkpoint is then stored by the reader. A
    /// consumer that stores its checkpoint itself, in its own transaction, opens nothing, and returns when that is done.
    /// </summary>
    ValueTask TakeAsync(IReadOnlyList<JournalEvent> events, SlotCheckpoint checkpoint, CancellationToken cancellationToken);
}

/// <summary>Where a new consumer starts to read.</summary>
/// <param name="At">With the first event at or after this time; null with the first that was ever stored, or, if <paramref name="IsAtEnd"/>, with those after its first deployment.</param>
/// <param name="IsAtEnd">Whether it takes only events that are stored after its first deployment.</param>
internal readonly record struct JournalStart(DateTimeOffset? At = null, bool IsAtEnd = false);
