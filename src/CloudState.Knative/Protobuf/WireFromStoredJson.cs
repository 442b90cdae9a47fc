using System.Text;
using System.Text.Json;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Protobuf;

/// <summary>
/// Turns stored JSON of a message into its wire format. It reads what every revision has written, by the <see cref="NameRecord"/>, and refuses what it
/// cannot read entirely: nothing becomes a default value in silence.
/// </summary>
internal static class WireFromStoredJson
{
    /// <exception cref="UnreadableEntityException">There is a name that no revision has recorded, or a value that does not fit its field.</exception>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    public static void Write(ReadOnlySpan<byte> text, MessageShape shape, ref WireWriter wire)
    {
        var json = new Utf8JsonReader(text, StoredTypes.ReaderOptions);
        json.Read();
        if (!TryWriteMessage(ref json, shape, ref wire) || json.Read())
        {
            throw new UnreadableEntityException($"It is not the JSON of a {shape.Name}.");
        }
    }

    private static bool TryWriteMessage(ref Utf8JsonReader json, MessageShape shape, ref WireWriter wire) => shape.Form switch
    {
        MessageForm.Text => TryWriteWellKnownText(ref json, shape, ref wire),
        MessageForm.Wrapper => TryWriteValue(ref json, shape.Fields[0], ref wire),
        MessageForm.Struct or MessageForm.List => TryWriteRepeated(ref json, shape.Fields[0], ref wire),
        MessageForm.Value => TryWriteAnything(ref json, shape, ref wire),
        MessageForm.Any => TryWriteAny(ref json, shape, ref wire),
        _ => TryWriteFields(ref json, shape, ref wire),
    };

    private static bool TryWriteFields(ref Utf8JsonReader json, MessageShape shape, ref WireWriter wire, string? typeMember = null)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        byte[]? unknown = null;
        while (json.Read() && json.TokenType != JsonTokenType.EndObject)
        {
            var name = json.ValueIsEscaped ? Encoding.UTF8.GetBytes(json.GetString()!) : json.ValueSpan;
            if (name is [(byte)'@', ..] && (json.ValueTextEquals(StoredMembers.Unknown) || (typeMember is not null && json.ValueTextEquals(typeMember))))
            {
                var isUnknown = json.ValueTextEquals(StoredMembers.Unknown);
                json.Read();
                unknown = isUnknown ? json.GetBytesFromBase64() : unknown;
                continue;
            }

            json.Read();
            WriteNamed(ref json, name, shape, ref wire);
        }

        // Last, so that it counts where a field occurs twice.
        if (unknown is not null)
        {
            wire.WriteRaw(unknown);
        }

        return true;
    }

    private static void WriteNamed(ref Utf8JsonReader json, ReadOnlySpan<byte> name, MessageShape shape, ref WireWriter wire)
    {
        foreach (var field in shape.Fields)
        {
            if (field.IsNamed(name) && LooksLike(json.TokenType, field) && TryWriteField(ref json, field, ref wire))
            {
                return;
            }
        }

        // What the field was may fit better.
        var (candidates, token) = (shape.Find(name), json.TokenType);
        foreach (var field in candidates.OrderByDescending(field => LooksLike(token, field)))
        {
            if (TryWriteField(ref json, field, ref wire))
            {
                return;
            }
        }

        var text = Encoding.UTF8.GetString(name);
        if (candidates.Length == 0 && shape.IsReserved(text))
        {
            json.Skip();
            return;
        }

        throw candidates.Length == 0
            ? new UnreadableEntityException(
                $"The name '{text}' in {shape.Name} is not recorded for any of its numbers. If a field was called so, give it [json_name = \"{text}\"]; " +
                $"if the field is gone, write 'reserved \"{text}\";'; or deploy the revision that wrote it.")
            { IsOfUnknownName = true }
            : new UnreadableEntityException(
                $"What is stored as '{text}' of {shape.Name} is no {candidates[0].Type.Name()}. Give the field its former type, and the new type another number.")
            { IsOfUnknownName = candidates[0].Type == FieldType.Enum };
    }

    private static bool LooksLike(JsonTokenType token, FieldShape field) =>
        field.IsMap ? token == JsonTokenType.StartObject : !field.IsRepeated || token == JsonTokenType.StartArray;

    /// <summary>Leaves the reader at the end of the value; or, if it is no value of the field, both as they were.</summary>
    private static bool TryWriteField(ref Utf8JsonReader json, FieldShape field, ref WireWriter wire)
    {
        var before = json;
        var length = wire.Written.Length;
        if (IsMissing(ref json, field) || (field.IsRepeated ? TryWriteRepeated(ref json, field, ref wire) : TryWriteOne(ref json, field, ref wire)))
        {
            return true;
        }

        json = before;
        wire.Truncate(length);
        return false;
    }

    private static bool IsMissing(ref Utf8JsonReader json, FieldShape field) =>
        json.TokenType == JsonTokenType.Null && field.Message?.Form is not MessageForm.Value && field.Enum?.IsNull is not true;

    private static bool TryWriteRepeated(ref Utf8JsonReader json, FieldShape field, ref WireWriter wire)
    {
        if (field.IsMap)
        {
            return TryWriteMap(ref json, field, ref wire);
        }

        if (json.TokenType != JsonTokenType.StartArray)
        {
            // The field was not repeated.
            return TryWriteValue(ref json, field, ref wire);
        }

        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (!TryWriteValue(ref json, field, ref wire))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A value; or a list of them, if the field was repeated, of which parsers take the last.</summary>
    private static bool TryWriteOne(ref Utf8JsonReader json, FieldShape field, ref WireWriter wire) =>
        json.TokenType == JsonTokenType.StartArray && field.Message?.Form is not (MessageForm.List or MessageForm.Value)
            ? TryWriteRepeated(ref json, field, ref wire)
            : TryWriteValue(ref json, field, ref wire);

    private static bool TryWriteMap(ref Utf8JsonReader json, FieldShape field, ref WireWriter wire)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        var (key, value) = (field.Message!.Key, field.Message!.Value);
        while (json.Read() && json.TokenType != JsonTokenType.EndObject)
        {
            var text = json.GetString()!;
            json.Read();
            wire.WriteTag(field.Number, field.WireType);
            var start = wire.BeginDelimited();
            var fits = ScalarFromJson.TryWriteKey(text, key, ref wire) && (IsMissing(ref json, value) || TryWriteValue(ref json, value, ref wire));
            wire.EndDelimited(start);
            if (!fits)
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryWriteValue(ref Utf8JsonReader json, FieldShape field, ref WireWriter wire)
    {
        switch (field.Type)
        {
            case FieldType.Message:
                wire.WriteTag(field.Number, field.WireType);
                var start = wire.BeginDelimited();
                var fits = TryWriteMessage(ref json, field.Message!, ref wire);
                wire.EndDelimited(start);
                return fits;
            case FieldType.Group:
                wire.WriteTag(field.Number, WireFormat.WireType.StartGroup);
                var isWhole = TryWriteMessage(ref json, field.Message!, ref wire);
                wire.WriteTag(field.Number, WireFormat.WireType.EndGroup);
                return isWhole;
            default:
                var length = wire.Written.Length;
                if (ScalarFromJson.TryWrite(ref json, field, ref wire))
                {
                    return true;
                }

                wire.Truncate(length);
                return ScalarFromJson.TryWriteFormer(ref json, field, ref wire);
        }
    }

    private static bool TryWriteWellKnownText(ref Utf8JsonReader json, MessageShape shape, ref WireWriter wire)
    {
        if (json.TokenType != JsonTokenType.String || WellKnownText.TryParse(shape.Name, [(byte)'"', .. json.ValueSpan, (byte)'"']) is not { } bytes)
        {
            return false;
        }

        wire.WriteRaw(bytes);
        return true;
    }

    private static bool TryWriteAnything(ref Utf8JsonReader json, MessageShape shape, ref WireWriter wire)
    {
        var number = json.TokenType switch
        {
            JsonTokenType.Null => Value.NullValueFieldNumber,
            JsonTokenType.Number => Value.NumberValueFieldNumber,
            JsonTokenType.String => Value.StringValueFieldNumber,
            JsonTokenType.True or JsonTokenType.False => Value.BoolValueFieldNumber,
            JsonTokenType.StartObject => Value.StructValueFieldNumber,
            _ => Value.ListValueFieldNumber,
        };
        return TryWriteValue(ref json, shape.Fields[number - 1], ref wire);
    }

    /// <summary>PostgreSQL sorts members: the type may come after what it is the type of.</summary>
    private static bool TryWriteAny(ref Utf8JsonReader json, MessageShape shape, ref WireWriter wire)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        var (typeUrl, bytes) = ReadTypeOf(json);
        if (typeUrl is null)
        {
            return json.Read() && json.TokenType == JsonTokenType.EndObject;
        }

        wire.WriteTag(Any.TypeUrlFieldNumber, WireFormat.WireType.LengthDelimited);
        wire.WriteBytes(Encoding.UTF8.GetBytes(typeUrl));
        wire.WriteTag(Any.ValueFieldNumber, WireFormat.WireType.LengthDelimited);
        if (bytes is not null)
        {
            json.Skip();
            wire.WriteBytes(bytes);
            return true;
        }

        var content = shape.FindInAny(typeUrl) ?? throw new UnreadableEntityException(
            $"The type '{typeUrl}' in an Any is not known to this service. Add its file with builder.AddCloudState().AddMessages(...), or deploy the revision that wrote it.")
        { IsOfUnknownName = true };
        var start = wire.BeginDelimited();
        var fits = content.Form == MessageForm.Object
            ? TryWriteFields(ref json, content, ref wire, StoredMembers.Type)
            : TryWriteMember(ref json, content, ref wire);
        wire.EndDelimited(start);
        return fits;
    }

    private static (string? TypeUrl, byte[]? Bytes) ReadTypeOf(Utf8JsonReader json)
    {
        var (typeUrl, bytes) = ((string?)null, (byte[]?)null);
        while (json.Read() && json.TokenType != JsonTokenType.EndObject)
        {
            var (isType, isBytes) = (json.ValueTextEquals(StoredMembers.Type), json.ValueTextEquals(StoredMembers.Bytes));
            json.Read();
            typeUrl = isType ? json.GetString() : typeUrl;
            bytes = isBytes ? json.GetBytesFromBase64() : bytes;
            json.Skip();
        }

        return (typeUrl, bytes);
    }

    /// <summary>The member "value", which stands for a message that is no object in JSON.</summary>
    private static bool TryWriteMember(ref Utf8JsonReader json, MessageShape content, ref WireWriter wire)
    {
        var fits = true;
        while (json.Read() && json.TokenType != JsonTokenType.EndObject)
        {
            var isValue = json.ValueTextEquals("value"u8);
            json.Read();
            if (isValue)
            {
                fits &= TryWriteMessage(ref json, content, ref wire);
            }
            else
            {
                json.Skip();
            }
        }

        return fits;
    }
}
