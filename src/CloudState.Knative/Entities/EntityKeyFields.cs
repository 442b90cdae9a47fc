using System.Globalization;
using CloudState.Knative.Protobuf;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Entities;

/// <summary>The fields of a command message that are marked <c>(cloudstate.entity_key)</c>, in the order of their numbers.</summary>
internal sealed class EntityKeyFields
{
    private readonly FieldDescriptor[] _fields;

    private readonly string _separator;

    private EntityKeyFields(FieldDescriptor[] fields, string separator) => (_fields, _separator) = (fields, separator);

    public static IEnumerable<FieldDescriptor> Marked(MessageDescriptor message) => message.Fields.InFieldNumberOrder()
        .Where(field => field.GetOptions()?.GetExtension(EntityKeyExtensions.EntityKey) == true);

    public static EntityKeyFields Of(MessageDescriptor message, string separator = "-") => new([.. Marked(message)], separator);

    public static bool CanBeKey(FieldDescriptor field) => !field.IsRepeated && field.FieldType is
        FieldType.String or
        FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32 or FieldType.UInt32 or FieldType.Fixed32 or
        FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64 or FieldType.UInt64 or FieldType.Fixed64;

    /// <summary>The entity id: the values joined with the separator. Empty when any of several fields, or the only one, is empty.</summary>
    public string Read(IMessage command)
    {
        if (_fields.Length == 1)
        {
            return ReadField(_fields[0], command);
        }

        var values = Array.ConvertAll(_fields, field => ReadField(field, command));
        return Array.Exists(values, string.IsNullOrEmpty) ? "" : string.Join(_separator, values);
    }

    /// <summary>Whether the message names an entity. An integer that is 0 and may as well not be there does not, though 0 is the id when nothing else names one.</summary>
    public bool IsSet(IMessage command) => _fields is [{ FieldType: not FieldType.String } field]
        ? field.HasPresence ? HasValue(field, command) : Read(command) != "0"
        : Read(command).Length > 0;

    /// <summary>Takes the key from text when the message has none. Returns false when it has none then, either.</summary>
    public bool TryComplete(IMessage command, string? entityId) =>
        IsSet(command) || string.IsNullOrEmpty(entityId) || TryWrite(command, entityId) || Read(command).Length > 0;

    /// <summary>Sets the only key field from text. Returns false when there are several, or the text is no such integer.</summary>
    public bool TryWrite(IMessage command, string entityId)
    {
        if (_fields is not [var field])
        {
            return false;
        }

        object? value = field.FieldType switch
        {
            FieldType.String => entityId,
            FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32 => Parse<int>(entityId),
            FieldType.UInt32 or FieldType.Fixed32 => Parse<uint>(entityId),
            FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64 => Parse<long>(entityId),
            _ => Parse<ulong>(entityId),
        };
        if (value is null)
        {
            return false;
        }

        if (command is MessageBytes bytes)
        {
            bytes.Add(KeyInBytes.Write(field, value));
        }
        else
        {
            field.Accessor.SetValue(command, value);
        }

        return true;
    }

    public override string ToString() => string.Join(", ", _fields.Select(field => field.Name));

    private static bool HasValue(FieldDescriptor field, IMessage command) =>
        command is MessageBytes bytes ? KeyInBytes.Read(field, bytes.Bytes) is not null : field.Accessor.HasValue(command);

    private static object ValueOf(FieldDescriptor field, IMessage command) => command is MessageBytes bytes
        ? KeyInBytes.Read(field, bytes.Bytes) ?? (field.FieldType == FieldType.String ? "" : 0)
        : field.Accessor.GetValue(command);

    private static string ReadField(FieldDescriptor field, IMessage command) => ValueOf(field, command) switch
    {
        string text => text,
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        var other => throw new InvalidOperationException($"Field {field.FullName} has no key value but {other}."),
    };

    private static object? Parse<T>(string text) where T : struct, ISpanParsable<T> =>
        T.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : null;
}
