using System.Collections.Frozen;
using System.Text;
using CloudState.Knative.ProtobufJson;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Storage;

/// <summary>
/// The protobuf messages that stores may meet (events and snapshots of all entities), by full name, and their JSON form:
/// protobuf's canonical JSON mapping, with default values left out.
/// </summary>
internal sealed class MessageTypes
{
    private readonly FrozenDictionary<string, MessageDescriptor> _byName;
    private readonly JsonFormatter _formatter;
    private readonly JsonParser _parser;

    public MessageTypes(IEnumerable<MessageDescriptor> descriptors)
    {
        var all = descriptors.Distinct().ToArray();
        _byName = all.ToFrozenDictionary(descriptor => descriptor.FullName);
        var anyTypes = TypeRegistry.FromMessages(all);
        _formatter = new JsonFormatter(JsonFormatter.Settings.Default.WithTypeRegistry(anyTypes));
        _parser = new JsonParser(JsonParser.Settings.Default.WithTypeRegistry(anyTypes).WithIgnoreUnknownFields(true));
    }

    public IEnumerable<MessageDescriptor> All => _byName.Values;

    /// <summary>The message as JSON, in UTF-8.</summary>
    public byte[] ToJson(IMessage message) => MessageShape.Of(message.Descriptor) is { } shape
        ? MessageJson.Write(message, shape, withDefaults: false)
        : Encoding.UTF8.GetBytes(_formatter.Format(message));

    public string ToJsonText(IMessage message) => Encoding.UTF8.GetString(ToJson(message));

    public IMessage FromJson(string typeName, string json) => FromJson(typeName, Encoding.UTF8.GetBytes(json));

    /// <summary>Reads a stored message.</summary>
    /// <exception cref="UnreadableEntityException">The type is unknown to this service, or the text is not JSON of that type.</exception>
    public IMessage FromJson(string typeName, ReadOnlySpan<byte> json)
    {
        if (!_byName.TryGetValue(typeName, out var descriptor))
        {
            throw new UnreadableEntityException(
                $"The store holds a message of type '{typeName}', which no entity of this service handles. " +
                $"Add an event handler 'public void Apply(...)' for it, or deploy the version of the service that wrote it.");
        }

        try
        {
            return (MessageShape.Of(descriptor) is { } shape ? MessageJson.TryRead(json, descriptor, shape) : null)
                ?? _parser.Parse(Encoding.UTF8.GetString(json), descriptor);
        }
        catch (Exception unreadable) when (unreadable is IOException or FormatException or InvalidOperationException)
        {
            throw new UnreadableEntityException($"The store holds a message of type '{typeName}' that cannot be read: {unreadable.Message}", unreadable);
        }
    }
}
