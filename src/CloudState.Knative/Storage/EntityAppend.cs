using Google.Protobuf;

namespace CloudState.Knative.Storage;

/// <summary>What one or several successive commands of one entity write. The objects in it are no longer shared with anybody.</summary>
/// <param name="Entity">The entity.</param>
/// <param name="ExpectedVersion">The version of the entity before this append; 0 for a new entity. Checked even when nothing changes.</param>
internal sealed record EntityAppend(EntityId Entity, long ExpectedVersion)
{
    public EntityKind Kind { get; init; }

    /// <summary>The new events of an event sourced entity, in order. An <see cref="EntityDeleted"/> archives the events before it and removes the snapshot.</summary>
    public IReadOnlyList<object> Events { get; init; } = [];

    /// <summary>The state after one of the new events, or null to leave the snapshot alone.</summary>
    public StoredSnapshot? Snapshot { get; init; }

    /// <summary>What becomes of the value of a value entity; null to leave it alone.</summary>
    public ValueChange? Value { get; init; }

    /// <summary>The records of commands that carried an id, in order.</summary>
    public IReadOnlyList<CommandRecord> Commands { get; init; } = [];

    /// <summary>When not null: delete all but the latest so many command records of this entity.</summary>
    public int? KeepCommands { get; init; }

    /// <summary>What is to be delivered once this is stored, in order.</summary>
    public IReadOnlyList<OutboxEntry> Outbox { get; init; } = [];

    /// <summary>The timers of the entity that are set or cancelled; no name occurs twice.</summary>
    public IReadOnlyList<TimerChange> Timers { get; init; } = [];

    /// <summary>How far the entity has come in orders of others; no stream occurs twice.</summary>
    public IReadOnlyList<EventOrder> Orders { get; init; } = [];

    public long NewVersion => Kind == EntityKind.Value ? Value?.Version ?? ExpectedVersion : ExpectedVersion + Events.Count;

    /// <summary>One append for successive ones of an entity.</summary>
    public static EntityAppend Merge(IReadOnlyList<EntityAppend> appends)
    {
        if (appends is [var only])
        {
            return only;
        }

        var merged = appends[0] with
        {
            Events = [.. appends.SelectMany(append => append.Events)],
            Snapshot = appends.LastOrDefault(append => append.Snapshot is not null)?.Snapshot,
            Value = appends.LastOrDefault(append => append.Value is not null)?.Value,
            Commands = [.. appends.SelectMany(append => append.Commands)],
            KeepCommands = appends.LastOrDefault(append => append.KeepCommands is not null)?.KeepCommands,
            Outbox = [.. appends.SelectMany(append => append.Outbox)],
            Orders = [.. appends.SelectMany(append => append.Orders).GroupBy(order => order.Stream, (_, orders) => orders.MaxBy(order => order.Sequence)!)],
            Timers = [.. appends.SelectMany(append => append.Timers).GroupBy(change => change.Name, (_, changes) => changes.Last())],
        };
        return merged.Snapshot?.Version < merged.DeletionVersion() ? merged with { Snapshot = null } : merged;
    }

    /// <summary>The version of the last deletion among the events; 0 when there is none.</summary>
    public long DeletionVersion()
    {
        for (var index = Events.Count - 1; index >= 0; index--)
        {
            if (Events[index] is EntityDeleted)
            {
                return ExpectedVersion + index + 1;
            }
        }

        return 0;
    }
}

/// <summary>The new value of a value entity.</summary>
/// <param name="Version">The version of the entity with this value.</param>
/// <param name="State">The value; null when the entity was deleted.</param>
/// <param name="ExpiresAt">When the value is no more; null: never. For a deleted entity: when it was deleted.</param>
internal sealed record ValueChange(long Version, object? State, DateTimeOffset? ExpiresAt);

/// <summary>What became of a command that carried an id: enough to answer its repetition without running it again.</summary>
/// <param name="CommandId">The id, as the client gave it. Unique per entity.</param>
/// <param name="Method">The full name of the rpc, <c>package.Service/Method</c>.</param>
/// <param name="Fingerprint">A hash of the command message, to tell a repetition from a different command under the same id.</param>
/// <param name="StatusCode">The gRPC status; 0 for a reply.</param>
/// <param name="StatusDetail">Why it was rejected; empty for a reply.</param>
/// <param name="Reply">The serialized reply; empty for a rejection.</param>
/// <param name="HandledAt">When the handler ran, with microsecond precision.</param>
internal sealed record CommandRecord(
    string CommandId, string Method, long Fingerprint, int StatusCode, string StatusDetail, ByteString Reply, DateTimeOffset HandledAt)
{
    /// <summary>More of the outcome, serialized; empty when there is no more.</summary>
    public ByteString Details { get; init; } = ByteString.Empty;
}
