using System.Collections.Concurrent;
using System.Text.Json;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Protobuf;

/// <summary>Turns the JSON of a message into its wire format, for the generated parser to read.</summary>
/// <remarks>
/// It takes what well-behaved clients and this library write, and says false to all else: malformed text, null, numbers with a fraction, fields that
/// occur twice and the like. What becomes of those is up to the parser that the caller falls back to, whose rules and error messages count.
/// </remarks>
internal static class WireFromJson
{
    // Their presence is kept in the bits of one word.
    private const int MaxFields = 64;

    private static readonly ConcurrentDictionary<MessageDescriptor, bool> Plain = new();

    /// <summary>Whether messages of a type are read here in every detail: proto3, no maps, and of the well-known types only Empty.</summary>
    public static bool IsPlain(MessageDescriptor type) => Plain.GetOrAdd(type, static type => MessageGraph.All(type).All(IsPlainItself));

    /// <summary>Whether <paramref name="wire"/> now holds all of the message. If not, it holds something of it.</summary>
    public static bool TryWrite(ReadOnlySpan<byte> text, MessageShape shape, ref WireWriter wire)
    {
        try
        {
            var json = new Utf8JsonReader(text);
            return json.Read() && TryWriteMessage(ref json, shape, ref wire) && !json.Read();
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private static bool IsPlainItself(MessageDescriptor type) =>
        type.File.ToProto().Syntax == "proto3"
        && type.Fields.InDeclarationOrder().Count <= MaxFields
        && (type.File.Package != Empty.Descriptor.File.Package || type == Empty.Descriptor)
        && type.Fields.InDeclarationOrder().All(field => !field.IsMap && field.FieldType != FieldType.Group);

    private static bool TryWriteMessage(ref Utf8JsonReader json, MessageShape shape, ref WireWriter wire)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        ulong seen = 0;
        var hasOneof = false;
        while (json.Read() && json.TokenType != JsonTokenType.EndObject)
        {
            if (json.ValueIsEscaped)
            {
                return false;
            }

            var index = shape.IndexOf(json.ValueSpan);
            json.Read();
            if (index < 0)
            {
                json.Skip();
                continue;
            }

            var field = shape.Fields[index];
            if ((seen & (1UL << index)) != 0 || (field.IsOneof && hasOneof) || !TryWriteField(ref json, field, ref wire))
            {
                return false;
            }

            seen |= 1UL << index;
            hasOneof |= field.IsOneof;
        }

        return true;
    }

    private static bool TryWriteField(ref Utf8JsonReader json, FieldShape field, ref WireWriter wire)
    {
        if (!field.IsRepeated)
        {
            return TryWriteValue(ref json, field, ref wire);
        }

        if (json.TokenType != JsonTokenType.StartArray)
        {
            return false;
        }

        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            // One by one, also where they could be packed: parsers take both.
            if (!TryWriteValue(ref json, field, ref wire))
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryWriteValue(ref Utf8JsonReader json, FieldShape field, ref WireWriter wire)
    {
        if (field.Type != FieldType.Message)
        {
            return ScalarFromJson.TryWrite(ref json, field, ref wire);
        }

        wire.WriteTag(field.Number, field.WireType);
        var start = wire.BeginDelimited();
        var isWhole = TryWriteMessage(ref json, field.Message!, ref wire);
        wire.EndDelimited(start);
        return isWhole;
    }
}
