using System.Net.Mime;
using System.Text.RegularExpressions;
using CloudNative.CloudEvents;
using CloudNative.CloudEvents.Core;
using CloudNative.CloudEvents.Http;
using CloudNative.CloudEvents.SystemTextJson;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.CloudEvents;

/// <summary>
/// Reads CloudEvents from an HTTP request in binary, structured or batched content mode
/// (CloudEvents 1.0, HTTP protocol binding, section 3).
/// </summary>
internal static partial class CloudEventRequest
{
    private static readonly CloudEventFormatter Formatter = new RawDataFormatter();

    /// <summary>Stands for itself: some senders, a KafkaSource among them, encode no headers.</summary>
    [GeneratedRegex("%(?![0-9A-Fa-f]{2})")]
    private static partial Regex BarePercent { get; }

    /// <exception cref="CloudEventException">The request holds no valid CloudEvent.</exception>
    public static async Task<IReadOnlyList<CloudEvent>> ReadAsync(HttpRequest request)
    {
        var contentType = ParseContentType(request.ContentType);
        var body = await ReadBodyAsync(request);
        try
        {
            return contentType?.MediaType.ToLowerInvariant() switch
            {
                "application/cloudevents+json" => [Formatter.DecodeStructuredModeMessage(body, contentType, null)],
                "application/cloudevents-batch+json" => Formatter.DecodeBatchModeMessage(body, contentType, null),
                { } other when MimeUtilities.IsCloudEventsContentType(other) || MimeUtilities.IsCloudEventsBatchContentType(other) =>
                    throw new CloudEventException(StatusCodes.Status415UnsupportedMediaType, $"The content type {other} is not supported. Send application/cloudevents+json, application/cloudevents-batch+json or binary mode."),
                _ => [ReadBinary(request.Headers, contentType, body)],
            };
        }
        catch (Exception invalid) when (invalid is ArgumentException or FormatException or InvalidOperationException or System.Text.Json.JsonException)
        {
            throw new CloudEventException(StatusCodes.Status400BadRequest, $"The request holds no valid CloudEvent: {invalid.Message}");
        }
    }

    private static ContentType? ParseContentType(string? text)
    {
        try
        {
            return string.IsNullOrEmpty(text) ? null : new ContentType(text);
        }
        catch (FormatException)
        {
            throw new CloudEventException(StatusCodes.Status415UnsupportedMediaType, "The Content-Type header is not a media type.");
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBodyAsync(HttpRequest request)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, request.HttpContext.RequestAborted);
        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }

    private static CloudEvent ReadBinary(IHeaderDictionary headers, ContentType? contentType, ReadOnlyMemory<byte> body)
    {
        if (!headers.TryGetValue("ce-specversion", out var specVersion))
        {
            throw new CloudEventException(
                StatusCodes.Status400BadRequest,
                "This is no CloudEvent: the header ce-specversion is missing. Send the headers ce-specversion, ce-id, ce-source and ce-type, or the content type application/cloudevents+json.");
        }

        var version = CloudEventsSpecVersion.FromVersionId(specVersion.ToString())
            ?? throw new CloudEventException(StatusCodes.Status400BadRequest, $"The CloudEvents version '{specVersion}' is not supported. Send ce-specversion: 1.0.");
        var cloudEvent = new CloudEvent(version);
        foreach (var (header, values) in headers)
        {
            var attribute = HttpUtilities.GetAttributeNameFromHeaderName(header);
            if (attribute is null || attribute == CloudEventsSpecVersion.SpecVersionAttribute.Name)
            {
                continue;
            }

            if (values.Count != 1)
            {
                throw new CloudEventException(StatusCodes.Status400BadRequest, $"The header {header} occurs {values.Count} times. Send it once.");
            }

            cloudEvent.SetAttributeFromString(attribute, HttpUtilities.DecodeHeaderValue(BarePercent.Replace(values.ToString(), "%25")));
        }

        cloudEvent.DataContentType = contentType?.ToString();
        cloudEvent.Data = body.ToArray();
        return Validation.CheckCloudEventArgument(cloudEvent, nameof(headers));
    }

    /// <summary>Leaves data as its text, or as the bytes of its base64; the message type decides later how to read it.</summary>
    private sealed class RawDataFormatter : JsonEventFormatter
    {
        protected override void DecodeStructuredModeDataProperty(System.Text.Json.JsonElement dataElement, CloudEvent cloudEvent)
        {
            cloudEvent.DataContentType ??= "application/json";
            cloudEvent.Data = IsJsonMediaType(new ContentType(cloudEvent.DataContentType).MediaType) ? dataElement.GetRawText()
                : dataElement.ValueKind == System.Text.Json.JsonValueKind.String ? dataElement.GetString()
                : throw new ArgumentException($"Data of the datacontenttype {cloudEvent.DataContentType} is a JSON string or in data_base64.");
        }
    }
}

/// <summary>A request that is answered with a status without reaching an entity.</summary>
internal sealed class CloudEventException(int statusCode, string message) : Exception(message)
{
    public int StatusCode { get; } = statusCode;

    public static CloudEventException BadRequest(string message) => new(StatusCodes.Status400BadRequest, message);
}
