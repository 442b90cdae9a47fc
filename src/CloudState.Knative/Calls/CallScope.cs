using System.Diagnostics;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Calls;

/// <summary>The surroundings of a call, which it hands on to the calls that it leads to.</summary>
internal sealed record CallScope
{
    /// <summary>The id under which the call takes effect once; null if its caller gave none.</summary>
    public string? CommandId { get; init; }

    public CallMetadata Metadata { get; init; } = CallMetadata.Empty;

    /// <summary>How many calls, each made for the one before it, have led to this one; 0 for a call from outside.</summary>
    public int Depth { get; init; }

    /// <summary>The place of the call in a stream of events; null if it has none.</summary>
    public EventOrder? Order { get; init; }

    /// <summary>When the caller stops waiting; null if it did not say.</summary>
    public DateTimeOffset? Deadline { get; init; }

    public ActivityContext Trace { get; init; }

    public CancellationToken CallCancelled { get; init; }

    public CallScope Deeper() => this with { Depth = Depth + 1, Order = null };
}
