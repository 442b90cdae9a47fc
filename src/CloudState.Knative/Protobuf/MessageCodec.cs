using System.Text;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Protobuf;

/// <summary>Messages of one type as clients see them in JSON: what is plain is read quickly, all else by protobuf's own parser, whose messages count.</summary>
/// <param name="type">Of the messages.</param>
/// <param name="shapes">Of the messages of the service.</param>
internal sealed class MessageCodec(MessageDescriptor type, MessageShapes shapes)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly MessageShape _shape = shapes.Of(type);

    /// <exception cref="FormatException">The text is no such message; the exception says why.</exception>
    public IMessage Read(ReadOnlySpan<byte> json)
    {
        if (WireFromJson.IsPlain(type) && MessageJson.TryRead(json, type, _shape) is { } message)
        {
            return message;
        }

        try
        {
            return shapes.Parser.Parse(StrictUtf8.GetString(json), type);
        }
        catch (Exception invalid) when (invalid is IOException or InvalidOperationException or FormatException or ArgumentException or OverflowException)
        {
            throw new FormatException($"The body is no {type.FullName}: {invalid.Message}", invalid);
        }
    }

    /// <summary>Writes a message in UTF-8; 64-bit integers are strings.</summary>
    /// <exception cref="UnstorableDataException">The message has no JSON.</exception>
    public byte[] Write(IMessage message, JsonStyle style = JsonStyle.Client) => MessageJson.Write(message, _shape, style);
}
