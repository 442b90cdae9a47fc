using System.Globalization;
using CloudNative.CloudEvents.Http;

namespace CloudState.Knative;

/// <summary>The attributes of the CloudEvent that a command came with: at the CloudEvents endpoints, or as <c>ce-</c> headers or gRPC metadata anywhere else.</summary>
public sealed class CloudEventMetadata
{
    internal const string Prefix = "ce-";
    internal const string ContentType = "content-type";

    private readonly CallMetadata _metadata;

    private CloudEventMetadata(CallMetadata metadata, string id, string source, string type)
    {
        _metadata = metadata;
        Id = id;
        Source = source;
        Type = type;
    }

    /// <summary>Tells the event from all others of its <see cref="Source"/>.</summary>
    public string Id { get; }

    /// <summary>Where the event happened, a URI reference.</summary>
    public string Source { get; }

    /// <summary>The kind of the event.</summary>
    public string Type { get; }

    /// <summary>What the event is about, within its source; null when it does not say.</summary>
    public string? Subject => this["subject"];

    /// <summary>When the event happened; null when it does not say.</summary>
    public DateTimeOffset? Time => DateTimeOffset.TryParse(this["time"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    /// <summary>The media type of the data, which is the Content-Type of a request in binary mode; null when there is none.</summary>
    public string? DataContentType => _metadata[ContentType];

    /// <summary>The schema of the data, a URI; null when the event does not say.</summary>
    public string? DataSchema => this["dataschema"];

    /// <summary>An attribute by its name, an extension such as <c>partitionkey</c> for example; null when the event has none of this name.</summary>
    public string? this[string attribute] => _metadata.TryGetValue(Prefix + attribute, out var value) ? Decode(value) : null;

    internal static CloudEventMetadata? Of(CallMetadata metadata) =>
        metadata[Prefix + "id"] is { Length: > 0 } id && metadata[Prefix + "source"] is { Length: > 0 } source && metadata[Prefix + "type"] is { Length: > 0 } type
            ? new(metadata, Decode(id), Decode(source), Decode(type))
            : null;

    /// <summary>Only the CloudEvents endpoints have looked at the value before.</summary>
    private static string Decode(string value)
    {
        try
        {
            return HttpUtilities.DecodeHeaderValue(value);
        }
        catch (ArgumentException)
        {
            return value;
        }
    }
}
