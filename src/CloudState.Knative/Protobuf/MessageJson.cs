using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Protobuf;

/// <summary>Messages as JSON in UTF-8, and back.</summary>
internal static class MessageJson
{
    private const int OnStack = 512;
    private const int MaxKept = 64 * 1024;

    private static readonly JsonWriterOptions WriterOptions = new() { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    [ThreadStatic]
    private static Utf8JsonWriter? _writer;

    /// <summary>Writes a message as JSON in UTF-8; 64-bit integers are strings.</summary>
    /// <param name="message">The message.</param>
    /// <param name="shape">Of its type.</param>
    /// <param name="style">For whom.</param>
    /// <exception cref="UnstorableDataException">The message has no JSON.</exception>
    public static byte[] Write(IMessage message, MessageShape shape, JsonStyle style) => Write(message, message.CalculateSize(), shape, style);

    /// <inheritdoc cref="Write(IMessage, MessageShape, JsonStyle)"/>
    /// <param name="message">The message.</param>
    /// <param name="size">Of it, in bytes.</param>
    /// <param name="shape">Of its type.</param>
    /// <param name="style">For whom.</param>
    public static byte[] Write(IMessage message, int size, MessageShape shape, JsonStyle style)
    {
        var rented = size <= OnStack ? null : size <= WireWriter.MaxPooled ? ArrayPool<byte>.Shared.Rent(size) : new byte[size];
        var wire = (rented ?? stackalloc byte[OnStack])[..size];
        message.WriteTo(wire);

        var buffer = _buffer ??= new ArrayBufferWriter<byte>(256);
        var writer = _writer ??= new Utf8JsonWriter(buffer, WriterOptions);
        buffer.ResetWrittenCount();
        writer.Reset(buffer);
        JsonFromWire.Write(writer, shape, wire, style);
        writer.Flush();
        var json = buffer.WrittenSpan.ToArray();

        if (buffer.Capacity > MaxKept)
        {
            (_buffer, _writer) = (null, null);
        }

        if (rented is not null && size <= WireWriter.MaxPooled)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return json;
    }

    /// <summary>Reads a message; null when the text is not the plain form that <see cref="WireFromJson"/> takes.</summary>
    /// <param name="json">The text.</param>
    /// <param name="type">The type of the message, which is plain (<see cref="WireFromJson"/>).</param>
    /// <param name="shape">Of the type.</param>
    public static IMessage? TryRead(ReadOnlySpan<byte> json, MessageDescriptor type, MessageShape shape)
    {
        var wire = new WireWriter(stackalloc byte[OnStack]);
        try
        {
            return WireFromJson.TryWrite(json, shape, ref wire) ? type.Parse(wire.Written) : null;
        }
        finally
        {
            wire.Dispose();
        }
    }

    /// <summary>Reads a stored message.</summary>
    /// <exception cref="UnreadableEntityException">The text is not, or not entirely, such a message.</exception>
    public static IMessage ReadStored(ReadOnlySpan<byte> json, MessageDescriptor type, MessageShape shape)
    {
        var wire = new WireWriter(stackalloc byte[OnStack]);
        try
        {
            WireFromStoredJson.Write(json, shape, ref wire);
            return type.Parse(wire.Written);
        }
        finally
        {
            wire.Dispose();
        }
    }
}
