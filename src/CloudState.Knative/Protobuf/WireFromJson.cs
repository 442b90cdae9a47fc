using System.Buffers.Text;
using System.Text.Json;
using System.Text.Unicode;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Protobuf;

/// <summary>Turns the JSON of a message into its wire format, for the generated parser to read.</summary>
/// <remarks>
/// It takes what well-behaved clients and this library write, and says false to all else: malformed text, null, numbers with a fraction, fields that
/// occur twice and the like. What becomes of those is up to the parser that the caller falls back to, whose rules and error messages count.
/// </remarks>
internal static class WireFromJson
{
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
        wire.WriteTag(field.Number, field.WireType);
        switch (field.Type, json.TokenType)
        {
            case (FieldType.Message, _):
                var start = wire.BeginDelimited();
                var isWhole = TryWriteMessage(ref json, field.Message!, ref wire);
                wire.EndDelimited(start);
                return isWhole;
            case (FieldType.String, JsonTokenType.String):
                return TryWriteText(ref json, ref wire);
            case (FieldType.Bytes, JsonTokenType.String) when json.TryGetBytesFromBase64(out var bytes):
                wire.WriteBytes(bytes);
                return true;
            case (FieldType.Enum, JsonTokenType.String) when field.EnumNumber(json.GetString()!) is { } number:
                wire.WriteVarint((ulong)number);
                return true;
            case (FieldType.Bool, JsonTokenType.True or JsonTokenType.False):
                wire.WriteVarint(json.TokenType == JsonTokenType.True ? 1UL : 0);
                return true;
            case (FieldType.Float, JsonTokenType.Number) when json.TryGetSingle(out var single) && float.IsFinite(single):
                wire.WriteFixed32(BitConverter.SingleToUInt32Bits(single));
                return true;
            case (FieldType.Double, JsonTokenType.Number) when json.TryGetDouble(out var number) && double.IsFinite(number):
                wire.WriteFixed64(BitConverter.DoubleToUInt64Bits(number));
                return true;
            case (FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32, JsonTokenType.Number) when json.TryGetInt32(out var number):
                WriteInteger(field.Type, number, ref wire);
                return true;
            case (FieldType.UInt32 or FieldType.Fixed32, JsonTokenType.Number) when json.TryGetUInt32(out var number):
                WriteInteger(field.Type, number, ref wire);
                return true;
            case (FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64, JsonTokenType.String) when TryParseText(ref json, out long number):
                WriteInteger(field.Type, number, ref wire);
                return true;
            case (FieldType.UInt64 or FieldType.Fixed64, JsonTokenType.String) when TryParseText(ref json, out ulong number):
                WriteInteger(field.Type, (long)number, ref wire);
                return true;
            default:
                return false;
        }
    }

    private static bool TryWriteText(ref Utf8JsonReader json, ref WireWriter wire)
    {
        if (!json.ValueIsEscaped)
        {
            wire.WriteBytes(json.ValueSpan);
            return Utf8.IsValid(json.ValueSpan);
        }

        var start = wire.BeginDelimited();
        wire.Advance(json.CopyString(wire.Reserve(json.ValueSpan.Length)));
        wire.EndDelimited(start);
        return true;
    }

    private static bool TryParseText(ref Utf8JsonReader json, out long number) =>
        Utf8Parser.TryParse(json.ValueSpan, out number, out var read) && read == json.ValueSpan.Length && IsPlain(json.ValueSpan);

    private static bool TryParseText(ref Utf8JsonReader json, out ulong number) =>
        Utf8Parser.TryParse(json.ValueSpan, out number, out var read) && read == json.ValueSpan.Length && IsPlain(json.ValueSpan);

    /// <summary>As integers are written: no plus, no leading zeros.</summary>
    private static bool IsPlain(ReadOnlySpan<byte> digits) => digits is [(byte)'0'] or [(byte)'-' or (>= (byte)'1' and <= (byte)'9'), ..];

    private static void WriteInteger(FieldType type, long value, ref WireWriter wire)
    {
        switch (type)
        {
            case FieldType.Fixed32 or FieldType.SFixed32:
                wire.WriteFixed32((uint)value);
                break;
            case FieldType.Fixed64 or FieldType.SFixed64:
                wire.WriteFixed64((ulong)value);
                break;
            case FieldType.SInt32 or FieldType.SInt64:
                wire.WriteVarint((ulong)((value << 1) ^ (value >> 63)));
                break;
            default:
                wire.WriteVarint((ulong)value);
                break;
        }
    }
}
