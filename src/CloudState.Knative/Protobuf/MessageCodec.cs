using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Protobuf;

/// <summary>Messages of one type as JSON, whatever the type: the quick way when it has a <see cref="MessageShape"/>, else with protobuf's own classes.</summary>
internal sealed class MessageCodec
{
    private const int MaxDepth = 1_000;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly MessageDescriptor _type;
    private readonly MessageShape? _shape;
    private readonly Lazy<(JsonParser Parser, JsonFormatter Formatter)> _protobuf;

    /// <param name="type">Of the messages.</param>
    /// <param name="known">With the types that an <c>Any</c> may hold, in it or imported by it.</param>
    public MessageCodec(MessageDescriptor type, FileDescriptor known)
    {
        _type = type;
        _shape = MessageShape.Of(type);
        _protobuf = new(() =>
        {
            var types = TypeRegistry.FromFiles(known, type.File);
            return (
                new JsonParser(JsonParser.Settings.Default.WithIgnoreUnknownFields(true).WithTypeRegistry(types)),
                new JsonFormatter(JsonFormatter.Settings.Default.WithFormatDefaultValues(true).WithTypeRegistry(types)));
        });
    }

    /// <exception cref="FormatException">The text is no such message; the exception says why.</exception>
    public IMessage Read(ReadOnlySpan<byte> json)
    {
        if (_shape is not null && MessageJson.TryRead(json, _type, _shape) is { } message)
        {
            return message;
        }

        try
        {
            return _protobuf.Value.Parser.Parse(StrictUtf8.GetString(json), _type);
        }
        catch (Exception invalid) when (invalid is IOException or InvalidOperationException or FormatException or ArgumentException or OverflowException)
        {
            throw new FormatException($"The body is no {_type.FullName}: {invalid.Message}", invalid);
        }
    }

    /// <summary>Writes a message in UTF-8, with default values; 64-bit integers are strings.</summary>
    public byte[] Write(IMessage message) => _shape is not null ? MessageJson.Write(message, _shape, withDefaults: true) : Restyle(Encoding.UTF8.GetBytes(_protobuf.Value.Formatter.Format(message)));

    /// <summary>Protobuf's text has spaces, escapes more than it has to, and writes <c>1e+300</c> where .NET writes <c>1E+300</c>.</summary>
    private static byte[] Restyle(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        var buffer = new ArrayBufferWriter<byte>(json.Length);
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = MaxDepth }))
        {
            while (reader.Read())
            {
                Copy(ref reader, writer);
            }
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Copy(ref Utf8JsonReader reader, Utf8JsonWriter writer)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                writer.WriteStartObject();
                break;
            case JsonTokenType.EndObject:
                writer.WriteEndObject();
                break;
            case JsonTokenType.StartArray:
                writer.WriteStartArray();
                break;
            case JsonTokenType.EndArray:
                writer.WriteEndArray();
                break;
            case JsonTokenType.PropertyName:
                writer.WritePropertyName(reader.GetString()!);
                break;
            case JsonTokenType.String:
                writer.WriteStringValue(reader.GetString());
                break;
            case JsonTokenType.Number:
                writer.WriteRawValue(Encoding.ASCII.GetString(reader.ValueSpan).ToUpperInvariant());
                break;
            case JsonTokenType.Null:
                writer.WriteNullValue();
                break;
            default:
                writer.WriteBooleanValue(reader.GetBoolean());
                break;
        }
    }
}
