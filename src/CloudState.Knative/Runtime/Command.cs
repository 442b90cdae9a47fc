using System.Diagnostics;
using CloudState.Knative.Entities;
using CloudState.Knative.Storage;
using Google.Protobuf;

namespace CloudState.Knative.Runtime;

/// <summary>A request for one entity, as every edge makes it. From here on nothing knows the wire.</summary>
internal sealed record Command
{
    // Of ids that are made up: numbers cost less than randomness.
    private static readonly string Origin = Guid.NewGuid().ToString("N");
    private static long _lastMadeUp;

    public required CommandDefinition Definition { get; init; }

    public required EntityId Entity { get; init; }

    public required IMessage Message { get; init; }

    public required CallMetadata Metadata { get; init; }

    /// <summary>The id under which the command takes effect once however often it comes; null when it comes once.</summary>
    public string? CommandId { get; set; }

    /// <summary>True when the caller gave no id: repeating a command that had no effect then does no harm.</summary>
    public bool HasGeneratedId { get; set; }

    /// <summary>When the caller stops waiting; null when it did not say.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>For a streaming rpc: the version of the entity that the caller has seen. The command waits for another one.</summary>
    public long? SeenVersion { get; init; }

    /// <summary>How many calls, each made for the one before it, have led to this command; 0 when it comes from outside.</summary>
    public int Depth { get; init; }

    /// <summary>The place of the command in an order that is to be kept; null when there is none.</summary>
    public EventOrder? Order { get; init; }

    public CancellationToken CallCancelled { get; init; }

    /// <summary>Makes up an id for a command without one, so that it can be sent to its owner again when the answer is lost.</summary>
    public void EnsureCommandId()
    {
        if (CommandId is null)
        {
            CommandId = $"{Origin}-{Interlocked.Increment(ref _lastMadeUp)}";
            HasGeneratedId = true;
        }
    }

    /// <summary>The span that the command belongs to: the edge's, then its own.</summary>
    public ActivityContext Trace { get; set; } = Activity.Current?.Context ?? default;
}
