using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Protobuf;

/// <summary>The quick way between messages and their JSON, for types that have a <see cref="MessageShape"/>.</summary>
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
    /// <param name="withDefaults">Whether fields with their default values, and empty lists, are written.</param>
    public static byte[] Write(IMessage message, MessageShape shape, bool withDefaults)
    {
        var size = message.CalculateSize();
        var rented = size <= OnStack ? null : ArrayPool<byte>.Shared.Rent(size);
        var wire = (rented ?? stackalloc byte[OnStack])[..size];
        message.WriteTo(wire);

        var buffer = _buffer ??= new ArrayBufferWriter<byte>(256);
        var writer = _writer ??= new Utf8JsonWriter(buffer, WriterOptions);
        writer.Reset(buffer);
        JsonFromWire.Write(writer, shape, wire, withDefaults);
        writer.Flush();
        var json = buffer.WrittenSpan.ToArray();

        buffer.ResetWrittenCount();
        if (buffer.Capacity > MaxKept)
        {
            (_buffer, _writer) = (null, null);
        }

        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return json;
    }

    /// <summary>Reads a message; null when the text is not the plain form that <see cref="WireFromJson"/> takes.</summary>
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
}
