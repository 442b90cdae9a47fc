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
            text = ScalarToJson.KeyText(keyField, ref reader);
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
            default:
                ScalarToJson.Write(json, field, ref reader, style);
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
        if (field.Type == FieldType.Message)
        {
            Write(json, field.Message!, [], style, depth + 1);
        }
        else
        {
            ScalarToJson.WriteDefault(json, field);
        }
    }
}
