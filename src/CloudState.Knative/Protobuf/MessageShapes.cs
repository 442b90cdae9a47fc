using System.Collections.Concurrent;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Protobuf;

/// <summary>The shapes of messages: of those of this revision and, for stored ones, as other revisions had them.</summary>
/// <param name="files">With the messages that an <c>Any</c> may hold, in them or imported by them.</param>
/// <param name="record">What stored fields have been called; empty for JSON that is not stored.</param>
internal sealed class MessageShapes(IEnumerable<FileDescriptor> files, NameRecord record)
{
    private static readonly Dictionary<string, MessageDescriptor> WellKnown = new MessageDescriptor[]
    {
        Any.Descriptor, Empty.Descriptor, Timestamp.Descriptor, Duration.Descriptor, FieldMask.Descriptor, Struct.Descriptor, Value.Descriptor, ListValue.Descriptor,
        DoubleValue.Descriptor, FloatValue.Descriptor, Int64Value.Descriptor, UInt64Value.Descriptor, Int32Value.Descriptor, UInt32Value.Descriptor,
        BoolValue.Descriptor, StringValue.Descriptor, BytesValue.Descriptor,
    }.ToDictionary(message => message.FullName);

    private readonly ConcurrentDictionary<MessageDescriptor, MessageShape> _shapes = new();
    private readonly ConcurrentDictionary<string, MessageShape?> _others = new();
    private readonly ConcurrentDictionary<EnumDescriptor, EnumShape> _enums = new();
    private readonly Lazy<TypeRegistry> _registry = new(() => TypeRegistry.FromFiles([.. files]));
    private JsonParser? _parser;

    /// <summary>Of messages that hold no <c>Any</c>, as clients know them.</summary>
    public static MessageShapes Plain { get; } = new([], NameRecord.Empty);

    /// <summary>The types that an <c>Any</c> may hold.</summary>
    public TypeRegistry Registry => _registry.Value;

    /// <summary>Reads what clients send in JSON.</summary>
    public JsonParser Parser => _parser ??= new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true).WithTypeRegistry(Registry));

    public MessageShape Of(MessageDescriptor descriptor) => _shapes.GetOrAdd(descriptor, static (descriptor, shapes) => shapes.Create(descriptor), this);

    public EnumShape Of(EnumDescriptor descriptor) => _enums.GetOrAdd(
        descriptor, static (descriptor, record) => new EnumShape(descriptor.FullName, descriptor, record.ValuesOf(descriptor.FullName)), record);

    /// <summary>The shape of a message by its full name, also of one that this revision does not have; null if it is not known.</summary>
    public MessageShape? Find(string name) =>
        (WellKnown.GetValueOrDefault(name) ?? Registry.Find(name)) is { } descriptor ? Of(descriptor)
        : _others.GetOrAdd(name, static (name, shapes) => shapes.FindOther(name), this);

    public EnumShape FindEnum(string name) => new(name, descriptor: null, record.ValuesOf(name));

    private MessageShape Create(MessageDescriptor descriptor) => new(
        descriptor.FullName,
        descriptor,
        [.. descriptor.Fields.InFieldNumberOrder().Select(field => FieldShape.Of(field, record.StoredNameOf(field), this))],
        Recorded(descriptor.FullName),
        this);

    private MessageShape? FindOther(string name) => Recorded(name) is { Length: > 0 } recorded ? new MessageShape(name, descriptor: null, [], recorded, this) : null;

    private FieldShape[] Recorded(string message) => [.. record.FieldsOf(message).Select(field => FieldShape.Of(field, this))];
}
