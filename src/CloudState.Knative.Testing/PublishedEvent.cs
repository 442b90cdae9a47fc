using CloudState.Knative.Protobuf;
using CloudState.Knative.Topics;
using Google.Protobuf;

namespace CloudState.Knative.Testing;

/// <summary>A CloudEvent that a service under test has published.</summary>
public sealed class PublishedEvent
{
    private readonly OutgoingEvent _published;

    internal PublishedEvent(string topic, OutgoingEvent published) => (Topic, _published) = (topic, published);

    /// <summary>The topic that it was published to.</summary>
    public string Topic { get; }

    /// <summary>The id, unique among the events of its source.</summary>
    public string Id => _published.Id;

    /// <summary>The source, a URI reference.</summary>
    public string Source => _published.Source;

    /// <summary>The type; for a message its full name.</summary>
    public string Type => _published.Type;

    /// <summary>The subject, such as the key of an entity; null when the event has none.</summary>
    public string? Subject => _published.Subject;

    /// <summary>All attributes by their names, but for <c>datacontenttype</c>.</summary>
    public IReadOnlyDictionary<string, string> Attributes => _published.Attributes.ToDictionary();

    /// <summary>The media type of the data; empty when there is no data.</summary>
    public string DataContentType => _published.DataContentType;

    /// <summary>The data as it would be sent.</summary>
    public ReadOnlyMemory<byte> Data => _published.Data.Memory;

    /// <summary>The data as a message.</summary>
    /// <exception cref="TestKitException">It is another message.</exception>
    public TMessage Message<TMessage>()
        where TMessage : class, IMessage, new()
    {
        var descriptor = new TMessage().Descriptor;
        return Type != descriptor.FullName
            ? throw new TestKitException($"The event {Id} of {Topic} is a {Type}, not a {descriptor.FullName}.")
            : DataContentType.EndsWith("json", StringComparison.Ordinal)
                ? (TMessage)new MessageCodec(descriptor, MessageShapes.Plain).Read(Data.Span)
                : (TMessage)descriptor.Parser.ParseFrom(_published.Data);
    }
}
