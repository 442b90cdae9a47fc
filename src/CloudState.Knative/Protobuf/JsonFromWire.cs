using System.Globalization;
using System.Text.Json;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Protobuf;

/// <summary>Writes a message in protobuf's canonical JSON mapping, straight from its wire format: no reflection, no boxing, no text in between.</summary>
/// <remarks>
/// The fields should be in the order of their numbers, as generated code writes them. So one pass over the bytes meets every field where the JSON wants it,
/// and knows which are missing. Example: for <c>Item { name = 1; quantity = 2 }</c> the bytes 10 07 (field 2 is 7) give
/// <c>{"name":"","quantity":7}</c> for clients, and <c>{"quantity":7}</c> for the store.
/// </remarks>
internal static class JsonFromWire
{
    /// <summary>How many messages may be in one another: what protobuf's parsers read. No setting raises it.</summary>
    public const int MaxDepth = 100;

    /// <exception cref="UnstorableDataException">The message has no JSON: it is too deep, or a value in it is out of its range.</exception>
    public static void Write(Utf8JsonWriter json, MessageShape shape, ReadOnlySpan<byte> wire, JsonStyle style) => Write(json, shape, wire, style, depth: 0);

    private static void Write(Utf8JsonWriter json, MessageShape shape, ReadOnlySpan<byte> wire, JsonStyle style, int depth)
    {
        CheckDepth(depth);
        switch (shape.Form)
        {
            case MessageForm.Object:
                json.WriteStartObject();
                WriteFields(json, shape, wire, style, depth);
                json.WriteEndObject();
                break;
            case MessageForm.Text:
                json.WriteRawValue(WellKnownText.Format(shape.Name, wire));
                break;
            case MessageForm.Wrapper:
                WriteLast(json, shape.Fields[0], wire, style, depth);
                break;
            case MessageForm.Any:
                WriteAny(json, shape, wire, style, depth);
                break;
            case MessageForm.Value:
                WriteAnything(json, shape, wire, style, depth);
                break;
            default:
                var content = new WireReader(wire);
                WriteRepeated(json, shape.Fields[0], ref content, style, depth);
                break;
        }
    }

    private static void CheckDepth(int depth)
    {
        if (depth > MaxDepth)
        {
            throw new UnstorableDataException($"It has more than {MaxDepth} messages in one another, which is the limit of protobuf's parsers.");
        }
    }

    private static void WriteFields(Utf8JsonWriter json, MessageShape shape, ReadOnlySpan<byte> wire, JsonStyle style, int depth)
    {
        var reader = new WireReader(wire);
        var fields = shape.Fields;
        var next = 0;
        UnknownFields? unknown = null;
        while (!reader.IsAtEnd)
        {
            var tag = reader.PeekTag();
            var number = WireFormat.GetTagFieldNumber(tag);
            for (; next < fields.Length && fields[next].Number < number; next++)
            {
                WriteMissing(json, fields[next], style);
            }

            if (next < fields.Length && fields[next].Number == number && fields[next].Holds(WireFormat.GetTagWireType(tag)))
            {
                WriteField(json, fields[next++], ref reader, style, depth);
            }
            else if (style == JsonStyle.Stored)
            {
                (unknown ??= new()).Add(tag, reader.ReadRaw());
            }
            else
            {
                reader.ReadRaw();
            }
        }

        for (; next < fields.Length; next++)
        {
            WriteMissing(json, fields[next], style);
        }

        if (unknown is not null)
        {
            WriteUnknown(json, shape, unknown, style, depth);
        }
    }

    // Apart, so that messages without unknown fields pay for no closure.
    private static void WriteUnknown(Utf8JsonWriter json, MessageShape shape, UnknownFields unknown, JsonStyle style, int depth) => unknown.WriteTo(json, shape, (field, run) =>
    {
        var content = new WireReader(run.Span);
        WriteField(json, field, ref content, style, depth);
    });

    private static void WriteField(Utf8JsonWriter json, FieldShape field, ref WireReader reader, JsonStyle style, int depth)
    {
        json.WritePropertyName(field.Name);
        try
        {
            if (field.IsRepeated)
            {
                WriteRepeated(json, field, ref reader, style, depth);
            }
            else
            {
                reader.ReadVarint();
                WriteValue(json, field, ref reader, style, depth);
            }
        }
        catch (UnstorableDataException unstorable)
        {
            throw unstorable.In(field.JsonName);
        }
    }

    /// <summary>A list, or a map.</summary>
    private static void WriteRepeated(Utf8JsonWriter json, FieldShape field, ref WireReader reader, JsonStyle style, int depth)
    {
        if (field.IsMap)
        {
            json.WriteStartObject();
        }
        else
        {
            json.WriteStartArray();
        }

        while (!reader.IsAtEnd && reader.PeekTag() is var tag && WireFormat.GetTagFieldNumber(tag) == field.Number && field.Holds(WireFormat.GetTagWireType(tag)))
        {
            var type = WireFormat.GetTagWireType((uint)reader.ReadVarint());
            if (field.IsMap)
            {
                WriteEntry(json, field.Message!, reader.ReadBytes(), style, depth + 1);
            }
            else if (type == field.WireType)
            {
                WriteValue(json, field, ref reader, style, depth);
            }
            else
            {
                for (var packed = new WireReader(reader.ReadBytes()); !packed.IsAtEnd;)
                {
                    WriteValue(json, field, ref packed, style, depth);
                }
            }
        }

        if (field.IsMap)
        {
            json.WriteEndObject();
        }
        else
        {
            json.WriteEndArray();
        }
    }

    private static void WriteEntry(Utf8JsonWriter json, MessageShape entry, ReadOnlySpan<byte> wire, JsonStyle style, int depth)
    {
        CheckDepth(depth);
        var (keyField, valueField) = (entry.Key, entry.Value);
        var key = LastOf(wire, keyField);
        var text = keyField.Type == FieldType.String ? "" : keyField.Type == FieldType.Bool ? "false" : "0";
        if (!key.IsEmpty)
        {
            var reader = new WireReader(key);
            reader.ReadVarint();
            text = KeyText(keyField, ref reader);
        }

        json.WritePropertyName(text);
        try
        {
            WriteLast(json, valueField, wire, style, depth);
        }
        catch (UnstorableDataException unstorable)
        {
            throw unstorable.In(text);
        }
    }

    private static string KeyText(FieldShape key, ref WireReader reader) => key.Type switch
    {
        FieldType.String => System.Text.Encoding.UTF8.GetString(reader.ReadBytes()),
        FieldType.Bool => reader.ReadVarint() != 0 ? "true" : "false",
        FieldType.Int32 or FieldType.Int64 => ((long)reader.ReadVarint()).ToString(CultureInfo.InvariantCulture),
        FieldType.SInt32 or FieldType.SInt64 => ZigZag(reader.ReadVarint()).ToString(CultureInfo.InvariantCulture),
        FieldType.Fixed32 => reader.ReadFixed32().ToString(CultureInfo.InvariantCulture),
        FieldType.SFixed32 => ((int)reader.ReadFixed32()).ToString(CultureInfo.InvariantCulture),
        FieldType.Fixed64 => reader.ReadFixed64().ToString(CultureInfo.InvariantCulture),
        FieldType.SFixed64 => ((long)reader.ReadFixed64()).ToString(CultureInfo.InvariantCulture),
        _ => reader.ReadVarint().ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>The value of one field of a message, which may be missing.</summary>
    private static void WriteLast(Utf8JsonWriter json, FieldShape field, ReadOnlySpan<byte> wire, JsonStyle style, int depth)
    {
        var last = LastOf(wire, field);
        if (last.IsEmpty)
        {
            WriteDefault(json, field, style, depth);
        }
        else
        {
            var reader = new WireReader(last);
            reader.ReadVarint();
            WriteValue(json, field, ref reader, style, depth);
        }
    }

    /// <summary>The last occurrence of a field, with its tag: the one that counts. Empty if there is none.</summary>
    private static ReadOnlySpan<byte> LastOf(ReadOnlySpan<byte> wire, FieldShape field)
    {
        ReadOnlySpan<byte> last = default;
        for (var reader = new WireReader(wire); !reader.IsAtEnd;)
        {
            var tag = reader.PeekTag();
            var raw = reader.ReadRaw();
            last = tag == WireFormat.MakeTag(field.Number, field.WireType) ? raw : last;
        }

        return last;
    }

    /// <summary>A <see cref="Value"/>: the field of it that was set last.</summary>
    private static void WriteAnything(Utf8JsonWriter json, MessageShape shape, ReadOnlySpan<byte> wire, JsonStyle style, int depth)
    {
        FieldShape? set = null;
        for (var reader = new WireReader(wire); !reader.IsAtEnd; reader.ReadRaw())
        {
            var next = WireFormat.GetTagFieldNumber(reader.PeekTag());
            set = Array.Find(shape.Fields, field => field.Number == next) ?? set;
        }

        if (set is null)
        {
            throw new UnstorableDataException("It is a google.protobuf.Value without a value; for null, set null_value.");
        }

        if (set.Type == FieldType.Double && ReadDouble(wire, set) is var number and (double.NaN or double.PositiveInfinity or double.NegativeInfinity))
        {
            throw new UnstorableDataException($"It is a google.protobuf.Value with {number.ToString(CultureInfo.InvariantCulture)}, which JSON does not have.");
        }

        WriteLast(json, set, wire, style, depth);

        static double ReadDouble(ReadOnlySpan<byte> wire, FieldShape set)
        {
            var reader = new WireReader(LastOf(wire, set));
            reader.ReadVarint();
            return BitConverter.UInt64BitsToDouble(reader.ReadFixed64());
        }
    }

    private static void WriteAny(Utf8JsonWriter json, MessageShape shape, ReadOnlySpan<byte> wire, JsonStyle style, int depth)
    {
        var any = Any.Parser.ParseFrom(wire);
        json.WriteStartObject();
        if (any.TypeUrl.Length > 0 || !any.Value.IsEmpty)
        {
            json.WriteString(StoredMembers.Type, any.TypeUrl);
            switch (shape.FindInAny(any.TypeUrl))
            {
                case null:
                    json.WriteBase64String(StoredMembers.Bytes, any.Value.Span);
                    break;
                case { Form: MessageForm.Object } content:
                    CheckDepth(depth + 1);
                    WriteFields(json, content, any.Value.Span, style, depth + 1);
                    break;
                case var content:
                    json.WritePropertyName("value");
                    Write(json, content, any.Value.Span, style, depth + 1);
                    break;
            }
        }

        json.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter json, FieldShape field, ref WireReader reader, JsonStyle style, int depth)
    {
        switch (field.Type)
        {
            case FieldType.Message:
                Write(json, field.Message!, reader.ReadBytes(), style, depth + 1);
                break;
            case FieldType.Group:
                Write(json, field.Message!, reader.ReadGroup(field.Number), style, depth + 1);
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

    private static void WriteMissing(Utf8JsonWriter json, FieldShape field, JsonStyle style)
    {
        if (style != JsonStyle.Client || field.HasPresence)
        {
            return;
        }

        json.WritePropertyName(field.Name);
        if (field.IsMap)
        {
            json.WriteStartObject();
            json.WriteEndObject();
        }
        else if (field.IsRepeated)
        {
            json.WriteStartArray();
            json.WriteEndArray();
        }
        else
        {
            WriteDefault(json, field, style, depth: 0);
        }
    }

    private static void WriteDefault(Utf8JsonWriter json, FieldShape field, JsonStyle style, int depth)
    {
        switch (field)
        {
            case { Type: FieldType.Message }:
                Write(json, field.Message!, [], style, depth + 1);
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
