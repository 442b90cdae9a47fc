namespace CloudState.Knative.Storage;

/// <summary>An entity as the store has it.</summary>
/// <param name="Version">How often it was changed: the sequence number of its last event, or the number of its updates; 0 before the first.</param>
/// <param name="Snapshot">Of an event sourced entity the latest snapshot, of a value entity its value. Null when there is none.</param>
/// <param name="Events">The events after the snapshot, in order. Those before an <see cref="EntityDeleted"/> may be missing.</param>
/// <param name="RecentCommands">The commands of the <see cref="CommandIdWindow"/>, oldest first.</param>
internal sealed record StoredEntity(
    long Version, StoredSnapshot? Snapshot, IReadOnlyList<object> Events, IReadOnlyList<RecentCommand> RecentCommands)
{
    /// <summary>How much was read, in bytes of JSON.</summary>
    public long Size { get; init; }

    /// <summary>The replicated value; null for entities that are none.</summary>
    public StoredReplica? Replica { get; init; }

    /// <summary>The versions of those events that other code has stored, without positions; in order.</summary>
    public IReadOnlyList<long> Adopted { get; init; } = [];
}

/// <summary>The state after the change with number <paramref name="Version"/>.</summary>
/// <param name="Version">The number of the change.</param>
/// <param name="State">The state.</param>
/// <param name="ExpiresAt">When a value is no more; null: never.</param>
internal sealed record StoredSnapshot(long Version, object State, DateTimeOffset? ExpiresAt = null);

/// <summary>A command id that was used, and when.</summary>
internal readonly record struct RecentCommand(string CommandId, DateTimeOffset HandledAt);

/// <summary>Which command records count: the latest <paramref name="MaxCount"/> that were handled at or after <paramref name="Since"/>.</summary>
internal readonly record struct CommandIdWindow(int MaxCount, DateTimeOffset Since);
