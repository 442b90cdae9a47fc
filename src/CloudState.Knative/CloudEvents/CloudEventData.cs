using System.Net.Mime;
using System.Text;
using CloudNative.CloudEvents;
using CloudState.Knative.Protobuf;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.CloudEvents;

/// <summary>Reads the data of events as the message that an rpc takes.</summary>
internal static class CloudEventData
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <param name="cloudEvent">The event.</param>
    /// <param name="input">The type of the message.</param>
    /// <param name="type">What the event calls itself; names the data when the message can be anything.</param>
    /// <param name="bytesAre">The media type of data that comes without one or as bytes; null for JSON and bytes.</param>
    /// <param name="shapes">Of the messages of the service.</param>
    /// <exception cref="CloudEventException">The data is no such message.</exception>
    public static IMessage Read(CloudEvent cloudEvent, MessageDescriptor input, string type, string? bytesAre, MessageShapes shapes)
    {
        var contentType = ContentTypeOf(cloudEvent);
        var mediaType = contentType?.MediaType.ToLowerInvariant() switch
        {
            null => bytesAre ?? "application/json",
            "application/octet-stream" => bytesAre ?? "application/octet-stream",
            var other => other,
        };
        try
        {
            return input == Any.Descriptor ? Pack(type, mediaType)
                : IsProtobuf(mediaType) ? input.Parse(Bytes())
                : !IsJson(mediaType) ? throw new CloudEventException(
                    StatusCodes.Status415UnsupportedMediaType, $"The data of event '{cloudEvent.Id}' is {mediaType}. Send application/json or application/protobuf.")
                : Text() is { Length: > 0 } json ? shapes.Parser.Parse(json, input)
                : input.Parse(ReadOnlySpan<byte>.Empty);
        }
        catch (Exception invalid) when (invalid is IOException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw CloudEventException.BadRequest($"The data of event '{cloudEvent.Id}' is no {input.FullName}: {invalid.Message}");
        }

        // Whatever it is, by Cloudstate's conventions: JSON as json.cloudstate.io/{type}, text and other bytes as primitive values.
        Any Pack(string type, string mediaType) =>
            IsProtobuf(mediaType) ? new Any { TypeUrl = $"type.googleapis.com/{type}", Value = ByteString.CopyFrom(Bytes()) }
            : IsJson(mediaType) ? new Any { TypeUrl = $"json.cloudstate.io/{type}", Value = new BytesValue { Value = ByteString.CopyFromUtf8(Text()) }.ToByteString() }
            : mediaType.StartsWith("text/", StringComparison.Ordinal) ? new Any { TypeUrl = "p.cloudstate.io/string", Value = new StringValue { Value = Text() }.ToByteString() }
            : new Any { TypeUrl = "p.cloudstate.io/bytes", Value = new BytesValue { Value = ByteString.CopyFrom(Bytes()) }.ToByteString() };

        byte[] Bytes() => cloudEvent.Data is string text ? Encoding.UTF8.GetBytes(text) : cloudEvent.Data as byte[] ?? [];

        string Text() => cloudEvent.Data as string ?? EncodingOf(contentType).GetString(Bytes());
    }

    private static bool IsProtobuf(string mediaType) => mediaType is "application/protobuf" or "application/x-protobuf" or "application/vnd.google.protobuf";

    private static bool IsJson(string mediaType) => mediaType is "application/json" or "text/json" || mediaType.EndsWith("+json", StringComparison.Ordinal);

    private static ContentType? ContentTypeOf(CloudEvent cloudEvent)
    {
        try
        {
            return string.IsNullOrEmpty(cloudEvent.DataContentType) ? null : new ContentType(cloudEvent.DataContentType);
        }
        catch (FormatException)
        {
            throw CloudEventException.BadRequest($"The datacontenttype '{cloudEvent.DataContentType}' is not a media type.");
        }
    }

    private static Encoding EncodingOf(ContentType? contentType)
    {
        try
        {
            return string.IsNullOrEmpty(contentType?.CharSet) || contentType.CharSet.Equals("utf-8", StringComparison.OrdinalIgnoreCase)
                ? StrictUtf8
                : Encoding.GetEncoding(contentType.CharSet, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback);
        }
        catch (ArgumentException)
        {
            throw new CloudEventException(StatusCodes.Status415UnsupportedMediaType, $"The charset '{contentType?.CharSet}' is not known. Send utf-8.");
        }
    }
}
