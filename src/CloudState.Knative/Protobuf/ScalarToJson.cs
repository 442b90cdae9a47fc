using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Protobuf;

/// <summary>Writes texts, bytes, numbers, truth values and enums as JSON.</summary>
internal static class ScalarToJson
{
    /// <summary>Writes a value that the reader is at, behind its tag.</summary>
    public static void Write(Utf8JsonWriter json, FieldShape field, ref WireReader reader, JsonStyle style)
    {
        switch (field.Type)
        {
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
                WriteFloat(json, BitConverter.UInt32BitsToSingle(reader.ReadFixed32()), style);
                break;
            case FieldType.Double:
                WriteDouble(json, BitConverter.UInt64BitsToDouble(reader.ReadFixed64()), style);
                break;
            default:
                WriteEnum(json, field, (int)reader.ReadVarint());
                break;
        }
    }

    /// <summary>Writes the value of a field that is missing.</summary>
    public static void WriteDefault(Utf8JsonWriter json, FieldShape field)
    {
        switch (field)
        {
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

    /// <summary>The key of an entry of a map as the name of a member.</summary>
    public static string KeyText(FieldShape key, ref WireReader reader) => key.Type switch
    {
        FieldType.String => Encoding.UTF8.GetString(reader.ReadBytes()),
        FieldType.Bool => reader.ReadVarint() != 0 ? "true" : "false",
        FieldType.Int32 or FieldType.Int64 => ((long)reader.ReadVarint()).ToString(CultureInfo.InvariantCulture),
        FieldType.SInt32 or FieldType.SInt64 => ZigZag(reader.ReadVarint()).ToString(CultureInfo.InvariantCulture),
        FieldType.Fixed32 => reader.ReadFixed32().ToString(CultureInfo.InvariantCulture),
        FieldType.SFixed32 => ((int)reader.ReadFixed32()).ToString(CultureInfo.InvariantCulture),
        FieldType.Fixed64 => reader.ReadFixed64().ToString(CultureInfo.InvariantCulture),
        FieldType.SFixed64 => ((long)reader.ReadFixed64()).ToString(CultureInfo.InvariantCulture),
        _ => reader.ReadVarint().ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>64-bit integers are strings in JSON: a number would lose digits in JavaScript.</summary>
    private static void WriteText<T>(Utf8JsonWriter json, T number)
        where T : IUtf8SpanFormattable
    {
        Span<byte> text = stackalloc byte[20];
        number.TryFormat(text, out var length, default, null);
        json.WriteStringValue(text[..length]);
    }

    private static void WriteFloat(Utf8JsonWriter json, float value, JsonStyle style)
    {
        if (float.IsFinite(value) && (value != 0 || !float.IsNegative(value)))
        {
            json.WriteNumberValue(value);
        }
        else
        {
            WriteDouble(json, value, style);
        }
    }

    private static void WriteDouble(Utf8JsonWriter json, double value, JsonStyle style)
    {
        if (value == 0 && double.IsNegative(value) && style == JsonStyle.Stored)
        {
            // PostgreSQL's jsonb would take the sign away.
            json.WriteStringValue("-0"u8);
        }
        else if (double.IsFinite(value))
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
        if (field.Enum!.IsNull)
        {
            json.WriteNullValue();
        }
        else if (field.Enum.NameOf(number) is { } name)
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
