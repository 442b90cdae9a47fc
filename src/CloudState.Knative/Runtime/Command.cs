using System.Diagnostics;
using CloudState.Knative.Calls;
using CloudState.Knative.Crdts;
using CloudState.Knative.Entities;
using CloudState.Knative.Storage;
using Google.Protobuf;

namespace CloudState.Knative.Runtime;

/// <summary>A request for one entity, whichever edge it came through. From here on nothing knows the wire.</summary>
internal sealed record Command
{
    // Prefix of generated ids; a counter is cheaper than a random id.
    private static readonly string Origin = Guid.NewGuid().ToString("N");
    private static long _lastGenerated;

    public required CommandDefinition Definition { get; init; }

    public required EntityId Entity { get; init; }

    public required IMessage Message { get; init; }

    public required CallMetadata Metadata { get; init; }

    /// <summary>The id under which the command takes effect once however often it comes; null if it comes once.</summary>
    public string? CommandId { get; set; }

    /// <summary>True if the caller gave no id: repeating a command that had no effect then does no harm.</summary>
    public bool HasGeneratedId { get; set; }

    /// <summary>When the caller stops waiting; null if it did not say.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>Whether it asks for one answer of a streaming rpc.</summary>
    public bool IsPoll => Definition.IsStreaming;

    /// <summary>Whether it counts among those that wait for the entity.</summary>
    public bool Counts => !IsPoll && !IsUpkeep;

    /// <summary>Whether it is what other processes have added to a replicated entity.</summary>
    public bool IsMerge => Definition == ReplicaCommands.Merge;

    /// <summary>Whether it stores what commands before it have changed and did not wait for.</summary>
    public bool IsFlush => Definition == ReplicaCommands.Flush;

    /// <summary>Whether no caller has sent it: the library keeps a replicated entity up to date.</summary>
    public bool IsUpkeep => IsMerge || IsFlush;

    /// <summary>For a streaming rpc: the version of the entity that the caller has seen. The command waits for another one.</summary>
    public long? SeenVersion { get; init; }

    /// <summary>How many calls, each made for the one before it, have led to this command; 0 for a call from outside.</summary>
    public int Depth { get; init; }

    /// <summary>The place of the command in a stream of events; null if it has none.</summary>
    public EventOrder? Order { get; init; }

    public CancellationToken CallCancelled { get; init; }

    /// <summary>The span that the command belongs to: the edge's, then its own.</summary>
    public ActivityContext Trace { get; set; }

    /// <summary>The stream that the command asks one reply for; null if it asks for its only one.</summary>
    public ReplyStream? ToReplyStream() => IsPoll ? new ReplyStream(isFirst: SeenVersion is null) : null;

    public CallScope Scope => new()
    {
        CommandId = CommandId,
        Metadata = Metadata,
        Depth = Depth,
        Deadline = Deadline,
        Trace = Trace,
        CallCancelled = CallCancelled,
    };

    public static Command Create(EntityDefinition entity, CommandDefinition definition, IMessage message, CallScope scope) => new()
    {
        Definition = definition,
        Entity = new EntityId(entity.EntityType, definition.Key.Read(message)),
        Message = message,
        Metadata = scope.Metadata,
        CommandId = definition.IsStreaming ? null : scope.CommandId,
        Depth = scope.Depth,
        Order = scope.Order,
        Deadline = scope.Deadline,
        Trace = scope.Trace,
        CallCancelled = scope.CallCancelled,
    };

    /// <summary>What another process has added to an entity.</summary>
    public static Command Merge(ReplicaUpdate update) => new()
    {
        Definition = ReplicaCommands.Merge,
        Entity = new EntityId(update.EntityType, update.Key),
        Message = update,
        Metadata = CallMetadata.Empty,
    };

    /// <summary>Asks another process whether it has merged what was stored.</summary>
    public static Command Confirm(ReplicaPoint stored) => new()
    {
        Definition = ReplicaCommands.Confirm,
        Entity = new EntityId(stored.EntityType, stored.Key),
        Message = stored,
        Metadata = CallMetadata.Empty,
    };

    /// <summary>Stores what an entity has changed.</summary>
    public static Command Flush(EntityId entity) => new()
    {
        Definition = ReplicaCommands.Flush,
        Entity = entity,
        Message = new ReplicaUpdate(),
        Metadata = CallMetadata.Empty,
    };

    /// <summary>Generates an id for a command without one, so that it can be sent to its owner again if the answer is lost.</summary>
    public void EnsureCommandId()
    {
        if (CommandId is null)
        {
            CommandId = $"{Origin}-{Interlocked.Increment(ref _lastGenerated)}";
            HasGeneratedId = true;
        }
    }
}
