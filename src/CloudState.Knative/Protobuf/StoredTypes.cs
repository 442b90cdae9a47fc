using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Protobuf;

/// <summary>
/// The types that stores may meet: events, snapshots and values of all entities. Each has a name and a JSON form, by Cloudstate's
/// conventions: protobuf messages go by their full name, strings, bytes, numbers and truth values by <c>p.cloudstate.io/…</c>, all other classes by
/// <c>json.cloudstate.io/…</c>.
/// </summary>
internal class StoredTypes
{
    /// <summary>As deep as the deepest message: each of its levels may be a list in an object.</summary>
    public static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = (2 * JsonFromWire.MaxDepth) + 10 };

    // Without those that have no class.
    private readonly FrozenDictionary<Type, StoredType> _byType;
    private readonly FrozenDictionary<string, StoredType> _byName;
    private readonly FrozenDictionary<string, StoredType>.AlternateLookup<ReadOnlySpan<char>> _byNameInText;

    /// <param name="uses">What the entities store.</param>
    /// <param name="json">How classes that are no messages are written; null when there are none.</param>
    /// <param name="exchanged">The messages of rpcs, whose calls and replies are stored.</param>
    /// <param name="files">With messages that an <c>Any</c> may hold, beside those of the other messages' files.</param>
    public StoredTypes(
        IEnumerable<StoredTypeUse> uses, JsonSerializerOptions? json = null, IEnumerable<MessageDescriptor>? exchanged = null, IEnumerable<FileDescriptor>? files = null)
    {
        // An instance, so that Native AOT keeps the class of services that delete nothing.
        var all = uses.Append(new StoredTypeUse(new EntityDeleted().GetType())).ToArray();
        var used = all.Where(use => use.IsMessage).Select(use => new { Message = use.Descriptor ?? DescriptorOf(use.Type), use.FormerNames }).ToArray();
        var messages = used.Select(use => use.Message).Concat(exchanged ?? []).Distinct().ToArray();
        Shapes = new StoredShapes(
            messages,
            [.. used.SelectMany(use => use.FormerNames, (use, name) => new FormerMessageName(use.Message, name)).Distinct()],
            [.. messages.Select(message => message.File).Concat(files ?? []).Distinct()]);

        _byType = all.Where(use => use.Descriptor is null).Select(use => use.Type).Distinct().ToFrozenDictionary(type => type, Create);
        var ofBytes = used.Select(use => use.Message).Distinct().Where(message => message.ClrType is null)
            .ToDictionary(message => message, message => (StoredType)new MessageBytesType(message, Shapes));
        var names = new Dictionary<string, StoredType>();
        foreach (var (name, type) in all.SelectMany(use => use.FormerNames, (use, name) => (name, use.Descriptor is { } bytes ? ofBytes[bytes] : _byType[use.Type]))
            .Concat(_byType.Values.Concat(ofBytes.Values).Select(type => (type.Name, type))))
        {
            if (!names.TryAdd(name, type) && names[name] != type)
            {
                throw new EntityDefinitionException($"{names[name].ClrType.FullName} and {type.ClrType.FullName} are both stored as '{name}'. Give one of them another name.");
            }
        }

        _byName = names.ToFrozenDictionary();
        _byNameInText = _byName.GetAlternateLookup<ReadOnlySpan<char>>();

        StoredType Create(Type type) =>
            StoredTypeUse.IsMessageType(type) ? new MessageType(type, DescriptorOf(type), Shapes)
            : PrimitiveTypes.Find(type) ?? JsonType.Of(type, json);
    }

    /// <summary>Of messages only.</summary>
    public StoredTypes(params IEnumerable<MessageDescriptor> messages)
        : this(messages.Select(message => new StoredTypeUse(message.ClrType)))
    {
    }

    /// <summary>What messages look like in the store.</summary>
    public StoredShapes Shapes { get; }

    public IEnumerable<StoredType> All => _byType.Values;

    /// <summary>The names under which stored values may be found beside those of today.</summary>
    public IEnumerable<(string Name, StoredType Type)> FormerNames => _byName.Where(pair => pair.Key != pair.Value.Name).Select(pair => (pair.Key, pair.Value));

    public StoredType Of(object value) => _byType.TryGetValue(value.GetType(), out var type) || (value is MessageBytes bytes && _byName.TryGetValue(bytes.Descriptor.FullName, out type))
        ? type
        : throw new InvalidOperationException(
            $"{(value as MessageBytes)?.Descriptor.FullName ?? value.GetType().FullName} is not among the types that the entities of this service store.");

    /// <summary>What a type is called today that is stored under a name; the same for types that are not known.</summary>
    public string CurrentName(string name) => _byName.TryGetValue(name, out var type) ? type.Name : name;

    public StoredType? Find(Type type) => _byType.GetValueOrDefault(type);

    /// <summary>The value as JSON, in UTF-8.</summary>
    public byte[] ToJson(object value) => Of(value).Write(value);

    public string ToJsonText(object value) => Encoding.UTF8.GetString(ToJson(value));

    public object FromJson(string typeName, string json) => FromJson(typeName, Encoding.UTF8.GetBytes(json));

    /// <summary>Reads a stored value.</summary>
    /// <exception cref="UnreadableEntityException">The type is unknown to this service, or the text is not JSON of that type.</exception>
    public object FromJson(ReadOnlySpan<char> typeName, ReadOnlySpan<byte> json)
    {
        if (!_byNameInText.TryGetValue(typeName, out var type))
        {
            throw new UnreadableEntityException(
                $"The store holds a value of type '{typeName}', which no entity of this service handles. " +
                "Add an event handler 'public void Apply(...)' for it; if the type was renamed, put [FormerName(\"...\")] on its event handler; or deploy the version of the service that wrote it.");
        }

        try
        {
            return type.Read(json);
        }
        catch (UnreadableEntityException unreadable)
        {
            throw new UnreadableEntityException($"The store holds a value of type '{typeName}' that cannot be read: {unreadable.Message}", unreadable) { IsOfUnknownName = unreadable.IsOfUnknownName };
        }
        catch (Exception unreadable) when (unreadable is IOException or FormatException or InvalidOperationException or JsonException or NotSupportedException)
        {
            throw new UnreadableEntityException($"The store holds a value of type '{typeName}' that cannot be read: {unreadable.Message}", unreadable);
        }
    }

    /// <summary>Reads a stored value whose type's name is in UTF-8, too.</summary>
    /// <exception cref="UnreadableEntityException">The type is unknown to this service, or the text is not JSON of that type.</exception>
    public object FromJson(ReadOnlySpan<byte> typeName, ReadOnlySpan<byte> json)
    {
        Span<char> name = stackalloc char[256];
        return Encoding.UTF8.TryGetChars(typeName, name, out var length) ? FromJson(name[..length], json) : FromJson(Encoding.UTF8.GetString(typeName), json);
    }

    /// <summary>A copy that shares nothing with the value that could change.</summary>
    public virtual object Copy(object value) => Of(value).Copy(value);

    [UnconditionalSuppressMessage("Trimming", "IL2067", Justification = "No constructor runs; the descriptor is a static of the message class.")]
    private static MessageDescriptor DescriptorOf(Type message) => ((IMessage)RuntimeHelpers.GetUninitializedObject(message)).Descriptor;
}

/// <summary>A type that an entity class stores, and the names that it had before.</summary>
internal sealed record StoredTypeUse(Type Type, params IReadOnlyList<string> FormerNames)
{
    /// <summary>Of messages without a generated class.</summary>
    public StoredTypeUse(MessageDescriptor message, params IReadOnlyList<string> formerNames)
        : this(typeof(MessageBytes), formerNames) => Descriptor = message;

    /// <summary>The message, if it has no generated class; otherwise null.</summary>
    public MessageDescriptor? Descriptor { get; }

    public bool IsMessage => IsMessageType(Type);

    public static bool IsMessageType(Type type) => type.IsClass && typeof(IMessage).IsAssignableFrom(type);
}
