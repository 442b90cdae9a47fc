using Google.Protobuf;

namespace CloudState.Knative.Storage;

/// <summary>What one or several successive commands of one entity store.</summary>
/// <param name="Entity">The entity.</param>
/// <param name="State">What changes of its state.</param>
internal sealed record EntityAppend(EntityId Entity, StateChange State)
{
    /// <summary>The versions of events that other code has stored, without positions; in order. Only for types with consumers.</summary>
    public IReadOnlyList<long> Adopted { get; init; } = [];

    /// <summary>The positions of the new and the adopted events, if the events of the type are consumed.</summary>
    public IReadOnlyList<JournalEntry> Journal { get; init; } = [];

    /// <summary>The records of commands that carried an id, in order.</summary>
    public IReadOnlyList<CommandRecord> Commands { get; init; } = [];

    /// <summary>How many of the latest command records of this entity to keep; null deletes none.</summary>
    public int? KeepCommands { get; init; }

    /// <summary>What is to be delivered once this is stored, in order.</summary>
    public IReadOnlyList<OutboxEntry> Outbox { get; init; } = [];

    /// <summary>The timers of the entity that are set or cancelled; no name occurs twice.</summary>
    public IReadOnlyList<TimerChange> Timers { get; init; } = [];

    /// <summary>How far the entity has come in the streams of other entities; no stream occurs twice.</summary>
    public IReadOnlyList<EventOrder> Orders { get; init; } = [];

    /// <summary>One append for successive ones of an entity.</summary>
    public static EntityAppend Merge(IReadOnlyList<EntityAppend> appends)
    {
        if (appends is [var only])
        {
            return only;
        }

        return appends[0] with
        {
            State = appends[0].State.FollowedBy(appends.Skip(1).Select(append => append.State)),
            Adopted = [.. appends.SelectMany(append => append.Adopted)],
            Journal = [.. appends.SelectMany(append => append.Journal)],
            Commands = [.. appends.SelectMany(append => append.Commands)],
            KeepCommands = appends.LastOrDefault(append => append.KeepCommands is not null)?.KeepCommands,
            Outbox = [.. appends.SelectMany(append => append.Outbox)],
            Orders = [.. appends.SelectMany(append => append.Orders).GroupBy(order => order.Stream, (_, orders) => orders.MaxBy(order => order.Sequence)!)],
            Timers = [.. appends.SelectMany(append => append.Timers).GroupBy(change => change.Name, (_, changes) => changes.Last())],
        };
    }
}

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

    /// <summary>The position of the last event of the command in its slot; 0 if it stored none that are consumed.</summary>
    public long Position { get; init; }
}
