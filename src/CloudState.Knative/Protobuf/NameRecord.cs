using System.IO.Hashing;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Protobuf;

/// <summary>
/// What the fields and enum values of messages have been called in stored JSON, by every revision so far. By it, names that the store holds are read as
/// the numbers that they stood for: messages evolve by number, as protobuf promises. Immutable.
/// </summary>
/// <remarks>
/// <para>
/// Example: <c>string title = 2</c> was stored as <c>{"title":"Moby"}</c>. A revision calls it <c>string heading = 2</c>. The record now has <c>title</c>
/// and <c>heading</c> for number 2, so that the new revision reads the old row, and the old revision, after a rollback, the new ones. A field of a newer
/// revision is kept as the unknown field that it is. If number 7 is called <c>title</c> later, it is stored as <c>title@7</c>: a name in stored JSON
/// stands for one number for good.
/// </para>
/// <para>What changes are compatible: https://protobuf.dev/programming-guides/proto3/#updating.</para>
/// </remarks>
internal sealed class NameRecord
{
    // Their JSON is their own.
    private const string WellKnown = "google.protobuf";

    private readonly StoredNames _names;
    private readonly Dictionary<string, MessageNames> _messages;
    private readonly Dictionary<string, EnumNames> _enums;

    private NameRecord(StoredNames names)
    {
        _names = names;
        _messages = names.Messages.ToDictionary(message => message.Name);
        _enums = names.Enums.ToDictionary(@enum => @enum.Name);
    }

    public static NameRecord Empty { get; } = new(new StoredNames());

    /// <summary>Tells two records apart.</summary>
    public long Hash => unchecked((long)XxHash3.HashToUInt64(_names.ToByteArray()));

    /// <summary>Reads what <see cref="ToJson"/> has written; what is no record is none.</summary>
    public static NameRecord Parse(string json) => new((StoredNames)(MessageJson.TryRead(Encoding.UTF8.GetBytes(json), StoredNames.Descriptor, MessageShapes.Plain.Of(StoredNames.Descriptor))
        ?? throw new InvalidDataException("The record of names in the store is damaged.")));

    public string ToJson() => Encoding.UTF8.GetString(MessageJson.Write(_names, MessageShapes.Plain.Of(StoredNames.Descriptor), JsonStyle.Stored));

    /// <summary>The names of a message's fields, those that came first before the others, and before them those that it had under another name.</summary>
    public IEnumerable<FieldNames> FieldsOf(string message) => WithFormer(message, _messages, found => found.Former).SelectMany(found => found.Fields);

    /// <inheritdoc cref="FieldsOf"/>
    public IEnumerable<ValueNames> ValuesOf(string name) => WithFormer(name, _enums, found => found.Former).SelectMany(found => found.Values);

    /// <summary>What a field is called in stored JSON: as in all JSON, unless the name has stood for another number, or for text where there are bytes now.</summary>
    public string StoredNameOf(FieldDescriptor field)
    {
        string[] names = [field.JsonName, $"{field.JsonName}@{field.FieldNumber}", $"{field.JsonName}@{field.FieldNumber}.{field.FieldType.Name()}"];
        var recorded = FieldsOf(field.ContainingType.FullName).ToLookup(former => former.Name);
        return Array.Find(names, name => recorded[name].All(former => former.Number == field.FieldNumber && !IsAmbiguous(former.FieldType(), field.FieldType))) ?? names[^1];
    }

    /// <summary>This record and what messages are called today.</summary>
    /// <param name="messages">The messages that are stored; with them go all those in them.</param>
    /// <param name="formerNames">What messages were called before.</param>
    /// <exception cref="EntityDefinitionException">A field is no longer what it was under its number.</exception>
    public NameRecord With(IEnumerable<MessageDescriptor> messages, IEnumerable<FormerMessageName> formerNames)
    {
        var all = AllIn(messages);
        var linked = WithNames(formerNames.Select(former => new NameLink(former.Message.FullName, former.Name, IsEnum: false)));

        // What is known of the messages around them shows what messages were called.
        for (var before = Empty; linked._names.CalculateSize() != before._names.CalculateSize();)
        {
            before = linked;
            linked = before.WithNames(all.SelectMany(before.ReplacedIn));
        }

        return linked.WithFields(all);
    }

    /// <summary>Whether a text may mean both: bytes are base64 in JSON.</summary>
    public static bool IsAmbiguous(FieldType was, FieldType @is) => (was, @is) is (FieldType.Bytes, FieldType.String) or (FieldType.String, FieldType.Bytes);

    private static IEnumerable<T> WithFormer<T>(string name, Dictionary<string, T> all, Func<T, IEnumerable<string>> formerOf)
        where T : class
    {
        var (names, pending) = (new List<string>(), new Stack<string>([name]));
        while (pending.TryPop(out var next))
        {
            if (!names.Contains(next) && all.TryGetValue(next, out var found))
            {
                names.Insert(0, next);
                foreach (var former in formerOf(found))
                {
                    pending.Push(former);
                }
            }
        }

        return names.Select(known => all[known]);
    }

    private static HashSet<MessageDescriptor> AllIn(IEnumerable<MessageDescriptor> messages)
    {
        var (found, pending) = (new HashSet<MessageDescriptor>(), new Stack<MessageDescriptor>(messages));
        while (pending.TryPop(out var next))
        {
            if (next.File.Package != WellKnown && found.Add(next))
            {
                foreach (var field in next.Fields.InDeclarationOrder())
                {
                    if (field.FieldType is FieldType.Message or FieldType.Group)
                    {
                        pending.Push(field.MessageType);
                    }
                }
            }
        }

        return found;
    }

    /// <summary>Messages and enums in fields that held others before: those are what they were called.</summary>
    private IEnumerable<NameLink> ReplacedIn(MessageDescriptor message) =>
        from field in message.Fields.InDeclarationOrder()
        let today = field.Recorded(field.JsonName)
        where today.Of != ""
        from former in FieldsOf(message.FullName)
        where former.Number == today.Number && former.Type == today.Type && former.Of != today.Of
        select new NameLink(today.Of, former.Of, IsEnum: field.FieldType == FieldType.Enum);

    private NameRecord WithNames(IEnumerable<NameLink> links)
    {
        var names = _names.Clone();
        foreach (var (name, former, isEnum) in links)
        {
            var formers = isEnum ? EnumOf(names, name).Former : MessageOf(names, name).Former;
            if (!formers.Contains(former))
            {
                formers.Add(former);
            }
        }

        return new NameRecord(names);
    }

    private NameRecord WithFields(IReadOnlyCollection<MessageDescriptor> messages)
    {
        var names = _names.Clone();
        foreach (var message in messages.OrderBy(message => message.FullName, StringComparer.Ordinal))
        {
            var fields = MessageOf(names, message.FullName).Fields;
            foreach (var field in message.Fields.InFieldNumberOrder())
            {
                var today = field.Recorded(StoredNameOf(field));
                if (FieldsOf(message.FullName).FirstOrDefault(former => former.Number == today.Number && !former.IsCompatibleWith(today)) is { } former)
                {
                    throw Changed(field, former, today);
                }

                if (!fields.Contains(today))
                {
                    fields.Add(today);
                }

                if (field.FieldType == FieldType.Enum && field.EnumType.File.Package != WellKnown)
                {
                    Add(field.EnumType, EnumOf(names, field.EnumType.FullName).Values);
                }
            }
        }

        return new NameRecord(names);
    }

    private static void Add(EnumDescriptor @enum, ICollection<ValueNames> values)
    {
        foreach (var value in @enum.Values)
        {
            var today = new ValueNames { Number = value.Number, Name = value.Name };
            if (!values.Contains(today))
            {
                values.Add(today);
            }
        }
    }

    private static MessageNames MessageOf(StoredNames names, string name)
    {
        var found = names.Messages.FirstOrDefault(message => message.Name == name);
        if (found is null)
        {
            names.Messages.Add(found = new MessageNames { Name = name });
        }

        return found;
    }

    private static EnumNames EnumOf(StoredNames names, string name)
    {
        var found = names.Enums.FirstOrDefault(@enum => @enum.Name == name);
        if (found is null)
        {
            names.Enums.Add(found = new EnumNames { Name = name });
        }

        return found;
    }

    private static EntityDefinitionException Changed(FieldDescriptor field, FieldNames former, FieldNames today) => new(
        $"{field.FullName} = {today.Number} is {today.Described()}, but the store may hold '{former.Name}' under this number, {former.Described()}, and that cannot be read as the other. " +
        $"Keep '{former.Name}' as it was, or write 'reserved {today.Number};', and give {field.Name} a number that was never used.");

    /// <summary>What a message or an enum was called before.</summary>
    private sealed record NameLink(string Name, string Former, bool IsEnum);
}
