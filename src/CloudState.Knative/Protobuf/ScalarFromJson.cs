using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Protobuf;

/// <summary>Turns single values of JSON into protobuf's wire format: numbers, also in quotes, texts, truth values and enum values.</summary>
internal static class ScalarFromJson
{
    /// <summary>Writes a value with its tag. Whether the token is a value of the field; if not, the wire may hold something of it.</summary>
    public static bool TryWrite(ref Utf8JsonReader json, FieldShape field, ref WireWriter wire)
    {
        wire.WriteTag(field.Number, field.WireType);
        switch (field.Type, json.TokenType)
        {
            case (FieldType.String, JsonTokenType.String):
                return TryWriteText(ref json, ref wire);
            case (FieldType.Bytes, JsonTokenType.String) when json.TryGetBytesFromBase64(out var bytes):
                wire.WriteBytes(bytes);
                return true;
            case (FieldType.Enum, JsonTokenType.String) when field.Enum!.NumberOf(json.GetString()!) is { } number:
                wire.WriteVarint((ulong)number);
                return true;
            case (FieldType.Enum, JsonTokenType.Number) when json.TryGetInt32(out var number):
                wire.WriteVarint((ulong)number);
                return true;
            case (FieldType.Bool, JsonTokenType.True or JsonTokenType.False):
                wire.WriteVarint(json.TokenType == JsonTokenType.True ? 1UL : 0);
                return true;
            case (FieldType.Float, JsonTokenType.Number) when json.TryGetSingle(out var number) && float.IsFinite(number):
                wire.WriteFixed32(BitConverter.SingleToUInt32Bits(number));
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

    /// <summary>Writes a value of a field that had another type when it was stored, or whose JSON is not what this library writes.</summary>
    public static bool TryWriteFormer(ref Utf8JsonReader json, FieldShape field, ref WireWriter wire)
    {
        wire.WriteTag(field.Number, field.WireType);
        switch (field.Type, json.TokenType)
        {
            case (FieldType.Float, JsonTokenType.String) when TryParseNumber(ref json, out var number):
                wire.WriteFixed32(BitConverter.SingleToUInt32Bits((float)number));
                return true;
            case (FieldType.Double, JsonTokenType.String) when TryParseNumber(ref json, out var number):
                wire.WriteFixed64(BitConverter.DoubleToUInt64Bits(number));
                return true;
            case (FieldType.Bool, JsonTokenType.Number or JsonTokenType.String) when TryReadInteger(ref json, out var number):
                wire.WriteVarint(number == 0 ? 0UL : 1);
                return true;
            case (FieldType.Enum, JsonTokenType.Null) when field.Enum!.IsNull:
                wire.WriteVarint(0);
                return true;
            case (FieldType.Enum or FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32, _) when TryReadInteger(ref json, out var number) && number >= int.MinValue && number <= int.MaxValue:
            case (FieldType.UInt32 or FieldType.Fixed32, _) when TryReadInteger(ref json, out number) && number >= 0 && number <= uint.MaxValue:
            case (FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64, _) when TryReadInteger(ref json, out number) && number >= long.MinValue && number <= long.MaxValue:
                WriteInteger(field.Type, (long)number, ref wire);
                return true;
            case (FieldType.UInt64 or FieldType.Fixed64, _) when TryReadInteger(ref json, out var number) && number >= 0 && number <= ulong.MaxValue:
                WriteInteger(field.Type, unchecked((long)(ulong)number), ref wire);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Writes the key of a map, which is a text in JSON, whatever it is in the message.</summary>
    public static bool TryWriteKey(string key, FieldShape field, ref WireWriter wire)
    {
        wire.WriteTag(field.Number, field.WireType);
        switch (field.Type)
        {
            case FieldType.String:
                wire.WriteBytes(System.Text.Encoding.UTF8.GetBytes(key));
                return true;
            case FieldType.Bool when key is "true" or "false":
                wire.WriteVarint(key == "true" ? 1UL : 0);
                return true;
            default:
                var isNumber = Int128.TryParse(key, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number);
                WriteInteger(field.Type, unchecked((long)number), ref wire);
                return isNumber;
        }
    }

    private static bool TryReadInteger(ref Utf8JsonReader json, out Int128 number)
    {
        number = json.TokenType == JsonTokenType.True ? 1 : 0;
        return json.TokenType is JsonTokenType.True or JsonTokenType.False
            || (json.TokenType is JsonTokenType.Number or JsonTokenType.String
                && Int128.TryParse(json.ValueSpan, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number));
    }

    private static bool TryParseNumber(ref Utf8JsonReader json, out double number)
    {
        (var isNamed, number) = json.GetString() switch
        {
            "NaN" => (true, double.NaN),
            "Infinity" => (true, double.PositiveInfinity),
            "-Infinity" => (true, double.NegativeInfinity),
            _ => (false, 0),
        };
        return isNamed || double.TryParse(json.ValueSpan, NumberStyles.Float, CultureInfo.InvariantCulture, out number);
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
