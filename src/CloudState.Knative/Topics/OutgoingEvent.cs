using System.Diagnostics;
using CloudNative.CloudEvents;
using CloudNative.CloudEvents.Http;
using CloudState.Knative.Calls;
using CloudState.Knative.Diagnostics;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Topics;

/// <summary>A CloudEvent that the service makes: for a topic, for an rpc of its own, or as the answer to another event.</summary>
internal sealed record OutgoingEvent
{
    /// <summary>Tells the event from all others of its <see cref="Source"/>.</summary>
    public required string Id { get; init; }

    /// <summary>A URI reference.</summary>
    public required string Source { get; init; }

    public required string Type { get; init; }

    public string? Subject { get; init; }

    public required DateTimeOffset Time { get; init; }

    /// <summary>Events with the same one stay in their order, where the topic keeps any.</summary>
    public string? PartitionKey { get; init; }

    /// <summary>Empty when there is no data.</summary>
    public string DataContentType { get; init; } = "";

    public ByteString Data { get; init; } = ByteString.Empty;

    public ActivityContext Trace { get; init; }

    /// <summary>Further attributes.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Extensions { get; init; } = [];

    /// <summary>The attributes by their names, as CloudEvents writes them; without <c>datacontenttype</c>, which each protocol has a place of its own for.</summary>
    public IEnumerable<KeyValuePair<string, string>> Attributes
    {
        get
        {
            yield return new("specversion", CloudEventsSpecVersion.V1_0.VersionId);
            yield return new("id", Id);
            yield return new("source", Source);
            yield return new("type", Type);
            if (Subject is not null)
            {
                yield return new("subject", Subject);
            }

            yield return new("time", CloudEventAttributeType.Timestamp.Format(Time));
            if (PartitionKey is not null)
            {
                yield return new("partitionkey", PartitionKey);
            }

            if (Trace != default)
            {
                yield return new("traceparent", TraceParent.Of(Trace));
            }

            if (Trace.TraceState is { Length: > 0 } traceState)
            {
                yield return new("tracestate", traceState);
            }

            foreach (var extension in Extensions)
            {
                yield return extension;
            }
        }
    }

    /// <summary>An attribute as the header that it is in binary mode (CloudEvents 1.0, HTTP protocol binding, section 3.1.3).</summary>
    public static KeyValuePair<string, string> ToHeader(KeyValuePair<string, string> attribute) =>
        new(CloudEventMetadata.Prefix + attribute.Key, HttpUtilities.EncodeHeaderValue(attribute.Value));

    /// <summary>What comes with a command that is called with this event. Made when a handler looks at it.</summary>
    public CallMetadata ToMetadata() => new(() =>
    {
        var attributes = Attributes.Select(ToHeader);
        return [.. DataContentType.Length == 0 ? attributes : attributes.Append(new(CloudEventMetadata.ContentType, DataContentType))];
    });

    public StoredCloudEvent ToStored(string topic) => new()
    {
        Topic = topic,
        Id = Id,
        Source = Source,
        Type = Type,
        Subject = Subject ?? "",
        Time = Timestamp.FromDateTimeOffset(Time),
        Partitionkey = PartitionKey ?? "",
        Datacontenttype = DataContentType,
        Data = Data,
        Traceparent = TraceParent.Of(Trace),
        Tracestate = Trace.TraceState ?? "",
        Extensions = { StoredCalls.ToStored(Extensions) },
    };

    public static OutgoingEvent Of(StoredCloudEvent stored) => new()
    {
        Id = stored.Id,
        Source = stored.Source,
        Type = stored.Type,
        Subject = NullIfEmpty(stored.Subject),
        Time = stored.Time.ToDateTimeOffset(),
        PartitionKey = NullIfEmpty(stored.Partitionkey),
        DataContentType = stored.Datacontenttype,
        Data = stored.Data,
        Trace = TraceParent.Parse(stored.Traceparent, NullIfEmpty(stored.Tracestate)),
        Extensions = StoredCalls.ToPairs(stored.Extensions),
    };

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
