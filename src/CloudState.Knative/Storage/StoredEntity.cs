using Google.Protobuf;

namespace CloudState.Knative.Storage;

/// <summary>An entity as the store has it.</summary>
/// <param name="Snapshot">The latest snapshot, or null.</param>
/// <param name="Events">The events after the snapshot, in order, without a gap.</param>
/// <param name="RecentCommands">The commands of the <see cref="CommandIdWindow"/>, oldest first.</param>
internal sealed record StoredEntity(
    StoredSnapshot? Snapshot, IReadOnlyList<IMessage> Events, IReadOnlyList<RecentCommand> RecentCommands)
{
    /// <summary>The sequence number of the last event; 0 before the first.</summary>
    public long Version => (Snapshot?.Version ?? 0) + Events.Count;
}

/// <summary>The state after the event with sequence number <paramref name="Version"/>.</summary>
internal sealed record StoredSnapshot(long Version, IMessage State);

/// <summary>A command id that was used, and when.</summary>
internal readonly record struct RecentCommand(string CommandId, DateTimeOffset HandledAt);

/// <summary>Which command records count: the latest <paramref name="MaxCount"/> that were handled at or after <paramref name="Since"/>.</summary>
internal readonly record struct CommandIdWindow(int MaxCount, DateTimeOffset Since);
