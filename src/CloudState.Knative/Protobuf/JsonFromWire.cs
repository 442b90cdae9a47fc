using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Protobuf;

/// <summary>Writes a message in protobuf's canonical JSON mapping, straight from its wire format: no reflection, no boxing, no text in between.</summary>
/// <remarks>
/// The fields must be in the order of their numbers, as generated code writes them. So one pass over the bytes meets every field where the JSON wants it, and
/// knows which are missing. Example: for <c>Item { name = 1; quantity = 2 }</c> the bytes 10 07 (field 2 is 7) give
/// <c>{"name":"","quantity":7}</c> with default values, and <c>{"quantity":7}</c> without.
/// </remarks>
internal static class JsonFromWire
{
    public static void Write(Utf8JsonWriter json, MessageShape shape, ReadOnlySpan<byte> wire, bool withDefaults)
    {
        var reader = new WireReader(wire);
        var fields = shape.Fields;
        var next = 0;
        json.WriteStartObject();
        while (!reader.IsAtEnd)
        {
            var tag = reader.PeekTag();
            var number = WireFormat.GetTagFieldNumber(tag);
            for (; next < fields.Length && fields[next].Number < number; next++)
            {
                WriteMissing(json, fields[next], withDefaults);
            }

            if (next < fields.Length && fields[next].Number == number)
            {
                WriteField(json, fields[next++], ref reader, withDefaults);
            }
            else
            {
                // A field that this version of the type does not know.
                reader.ReadVarint();
                reader.Skip(WireFormat.GetTagWireType(tag));
            }
        }

        for (; next < fields.Length; next++)
        {
            WriteMissing(json, fields[next], withDefaults);
        }

        json.WriteEndObject();
    }

    private static void WriteField(Utf8JsonWriter json, FieldShape field, ref WireReader reader, bool withDefaults)
    {
        json.WritePropertyName(field.Name);
        if (!field.IsRepeated)
        {
            reader.ReadVarint();
            WriteValue(json, field, ref reader, withDefaults);
            return;
        }

        json.WriteStartArray();
        while (!reader.IsAtEnd && WireFormat.GetTagFieldNumber(reader.PeekTag()) == field.Number)
        {
            var type = WireFormat.GetTagWireType((uint)reader.ReadVarint());
            if (type == field.WireType)
            {
                WriteValue(json, field, ref reader, withDefaults);
                continue;
            }

            for (var packed = new WireReader(reader.ReadBytes()); !packed.IsAtEnd;)
            {
                WriteValue(json, field, ref packed, withDefaults);
            }
        }

        json.WriteEndArray();
    }

    private static void WriteValue(Utf8JsonWriter json, FieldShape field, ref WireReader reader, bool withDefaults)
    {
        switch (field.Type)
        {
            case FieldType.Message:
                Write(json, field.Message!, reader.ReadBytes(), withDefaults);
                break;
            case FieldType.String:
                json.WriteStringValue(reader.ReadBytes());
                break;
            case FieldType.Bytes:
                json.WriteBase64StringValue(reader.ReadBytes());
                break;
            case FieldType.Bool:
                json.WriteBooleanValue(reader.ReadVarint() != 0);
                break;
            case FieldType.Int32:
                json.WriteNumberValue((int)reader.ReadVarint());
                break;
            case FieldType.UInt32:
                json.WriteNumberValue((uint)reader.ReadVarint());
                break;
            case FieldType.SInt32:
                json.WriteNumberValue((int)ZigZag((uint)reader.ReadVarint()));
                break;
            case FieldType.Fixed32:
                json.WriteNumberValue(reader.ReadFixed32());
                break;
            case FieldType.SFixed32:
                json.WriteNumberValue((int)reader.ReadFixed32());
                break;
            case FieldType.Int64:
                WriteText(json, (long)reader.ReadVarint());
                break;
            case FieldType.UInt64:
                WriteText(json, reader.ReadVarint());
                break;
            case FieldType.SInt64:
                WriteText(json, ZigZag(reader.ReadVarint()));
                break;
            case FieldType.Fixed64:
                WriteText(json, reader.ReadFixed64());
                break;
            case FieldType.SFixed64:
                WriteText(json, (long)reader.ReadFixed64());
                break;
            case FieldType.Float:
                WriteFloat(json, BitConverter.UInt32BitsToSingle(reader.ReadFixed32()));
                break;
            case FieldType.Double:
                WriteDouble(json, BitConverter.UInt64BitsToDouble(reader.ReadFixed64()));
                break;
            default:
                WriteEnum(json, field, (int)reader.ReadVarint());
                break;
        }
    }

    private static void WriteMissing(Utf8JsonWriter json, FieldShape field, bool withDefaults)
    {
        if (!withDefaults || field.HasPresence)
        {
            return;
        }

        json.WritePropertyName(field.Name);
        switch (field)
        {
            case { IsRepeated: true }:
                json.WriteStartArray();
                json.WriteEndArray();
                break;
            case { Type: FieldType.String or FieldType.Bytes }:
                json.WriteStringValue("");
                break;
            case { Type: FieldType.Bool }:
                json.WriteBooleanValue(false);
                break;
            case { Type: FieldType.Int64 or FieldType.UInt64 or FieldType.SInt64 or FieldType.Fixed64 or FieldType.SFixed64 }:
                WriteText(json, 0);
                break;
            case { Type: FieldType.Enum }:
                WriteEnum(json, field, 0);
                break;
            default:
                json.WriteNumberValue(0);
                break;
        }
    }

    /// <summary>64-bit integers are strings in JSON: a number would lose digits in JavaScript.</summary>
    private static void WriteText<T>(Utf8JsonWriter json, T number)
        where T : IUtf8SpanFormattable
    {
        Span<byte> text = stackalloc byte[20];
        number.TryFormat(text, out var length, default, null);
        json.WriteStringValue(text[..length]);
    }

    private static void WriteFloat(Utf8JsonWriter json, float value)
    {
        if (float.IsFinite(value))
        {
            json.WriteNumberValue(value);
        }
        else
        {
            WriteDouble(json, value);
        }
    }

    private static void WriteDouble(Utf8JsonWriter json, double value)
    {
        if (double.IsFinite(value))
        {
            json.WriteNumberValue(value);
        }
        else
        {
            json.WriteStringValue(double.IsNaN(value) ? "NaN"u8 : value > 0 ? "Infinity"u8 : "-Infinity"u8);
        }
    }

    private static void WriteEnum(Utf8JsonWriter json, FieldShape field, int number)
    {
        if (field.EnumName(number) is { } name)
        {
            json.WriteStringValue(name);
        }
        else
        {
            json.WriteNumberValue(number);
        }
    }

    private static long ZigZag(ulong encoded) => (long)(encoded >> 1) ^ -(long)(encoded & 1);
}
