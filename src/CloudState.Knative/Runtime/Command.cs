using System.Diagnostics;
using CloudState.Knative.Entities;
using CloudState.Knative.Storage;
using Google.Protobuf;

namespace CloudState.Knative.Runtime;

/// <summary>A request for one entity, as every edge makes it. From here on nothing knows the wire.</summary>
internal sealed class Command
{
    public required CommandDefinition Definition { get; init; }

    public required EntityKey Key { get; init; }

    public required IMessage Message { get; init; }

    public required CommandMetadata Metadata { get; init; }

    /// <summary>The id under which the caller may repeat the command; null when it gave none.</summary>
    public string? CommandId { get; init; }

    /// <summary>When the caller stops waiting; null when it did not say.</summary>
    public DateTimeOffset? Deadline { get; init; }

    public CancellationToken CallCancelled { get; init; }

    /// <summary>The span that the command belongs to: the edge's, then its own.</summary>
    public ActivityContext Trace { get; set; } = Activity.Current?.Context ?? default;
}
