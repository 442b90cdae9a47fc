using System.Net.Mime;
using System.Text;
using CloudNative.CloudEvents;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.CloudEvents;

/// <summary>Reads the data of events as the message that an rpc takes.</summary>
internal static class CloudEventData
{
    private static readonly JsonParser JsonParser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="CloudEventException">The data is no such message.</exception>
    public static IMessage Read(CloudEvent cloudEvent, MessageDescriptor input)
    {
        var bytes = BytesOf(cloudEvent);
        var mediaType = MediaTypeOf(cloudEvent);
        try
        {
            return input == Any.Descriptor ? Pack(cloudEvent.Type!, mediaType, bytes)
                : IsProtobuf(mediaType) ? input.Parser.ParseFrom(bytes)
                : !IsJson(mediaType) ? throw new CloudEventException(
                    StatusCodes.Status415UnsupportedMediaType, $"The data of event '{cloudEvent.Id}' is {mediaType}. Send application/json or application/protobuf.")
                : bytes.Length == 0 ? input.Parser.ParseFrom(bytes)
                : JsonParser.Parse(StrictUtf8.GetString(bytes), input);
        }
        catch (Exception invalid) when (invalid is IOException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw CloudEventException.BadRequest($"The data of event '{cloudEvent.Id}' is no {input.FullName}: {invalid.Message}");
        }
    }

    /// <summary>Whatever it is, by Cloudstate's conventions: JSON as <c>json.cloudstate.io/{type}</c>, text and other bytes as primitive values.</summary>
    private static Any Pack(string type, string mediaType, byte[] bytes) =>
        IsProtobuf(mediaType) ? new Any { TypeUrl = $"type.googleapis.com/{type}", Value = ByteString.CopyFrom(bytes) }
        : IsJson(mediaType) ? new Any { TypeUrl = $"json.cloudstate.io/{type}", Value = new BytesValue { Value = ByteString.CopyFrom(bytes) }.ToByteString() }
        : mediaType.StartsWith("text/", StringComparison.Ordinal) ? new Any { TypeUrl = "p.cloudstate.io/string", Value = new StringValue { Value = StrictUtf8.GetString(bytes) }.ToByteString() }
        : new Any { TypeUrl = "p.cloudstate.io/bytes", Value = new BytesValue { Value = ByteString.CopyFrom(bytes) }.ToByteString() };

    private static byte[] BytesOf(CloudEvent cloudEvent) => cloudEvent.Data switch
    {
        byte[] binary => binary,
        string text => Encoding.UTF8.GetBytes(text),
        null => [],
        _ => throw CloudEventException.BadRequest($"The data of event '{cloudEvent.Id}' is of no known form."),
    };

    private static bool IsProtobuf(string mediaType) => mediaType is "application/protobuf" or "application/x-protobuf" or "application/vnd.google.protobuf";

    private static bool IsJson(string mediaType) => mediaType is "application/json" or "text/json" || mediaType.EndsWith("+json", StringComparison.Ordinal);

    private static string MediaTypeOf(CloudEvent cloudEvent)
    {
        try
        {
            return string.IsNullOrEmpty(cloudEvent.DataContentType)
                ? "application/json"
                : new ContentType(cloudEvent.DataContentType).MediaType.ToLowerInvariant();
        }
        catch (FormatException)
        {
            throw CloudEventException.BadRequest($"The datacontenttype '{cloudEvent.DataContentType}' is not a media type.");
        }
    }
}
