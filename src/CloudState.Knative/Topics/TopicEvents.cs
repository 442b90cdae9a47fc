using System.Diagnostics;
using CloudState.Knative.Outbox;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Topics;

/// <summary>What the service publishes, where and in which form.</summary>
internal sealed class TopicEvents(ServiceName service, IReadOnlyDictionary<string, TopicOptions> topics, MessageShapes shapes, TimeProvider time)
{
    private const string JsonTypePrefix = "json.cloudstate.io/";
    private const string Json = "application/json";
    private static readonly TopicOptions Defaults = new();

    /// <summary>A reply as an event; null when it says nothing.</summary>
    /// <exception cref="InvalidOperationException">No event can be made of it.</exception>
    public OutgoingEvent? OfReply(
        MethodDescriptor rpc, string topic, IMessage reply, string id, string? subject, IReadOnlyList<KeyValuePair<string, string>>? replyMetadata, ActivityContext trace) =>
        OutgoingEvents.FromReply(rpc, shapes, reply, ContentTypeOf(topic), id, service.Value, subject, replyMetadata, trace, time.GetUtcNow());

    /// <summary>An event of the journal for a topic.</summary>
    public OutgoingEvent OfJournal(JournalEvent logged, string topic, StoredTypes types)
    {
        var name = types.CurrentName(logged.TypeName);
        var type = name.StartsWith(JsonTypePrefix, StringComparison.Ordinal) ? name[JsonTypePrefix.Length..] : name;
        if ((logged.InMemory ?? types.FromJson(logged.TypeName, logged.Json.Span)) is not IMessage message)
        {
            return OfJournal(logged, type, Json, UnsafeByteOperations.UnsafeWrap(logged.Json));
        }

        // Not as it is stored: there it may have names of the past.
        return ContentTypeOf(topic) is not Json and var contentType
            ? OfJournal(logged, type, contentType, message.ToByteString())
            : OfJournal(logged, type, Json, UnsafeByteOperations.UnsafeWrap(new MessageCodec(message.Descriptor, shapes).Write(message, JsonStyle.Event)));
    }

    /// <summary>An event of the journal with data of a kind.</summary>
    public OutgoingEvent OfJournal(JournalEvent logged, string type, string contentType, ByteString data) => OutgoingEvents.FromJournal(
        service.Value, logged.Origin.Type, logged.Origin.Key, logged.Sequence, type, contentType, data, logged.Time) with
    { Trace = logged.Trace };

    /// <summary>An event as it goes to the outbox.</summary>
    public static ByteString ToStored(OutgoingEvent published, string topic) => new StoredDelivery { Event = published.ToStored(topic), Lane = LaneOf(topic) }.ToByteString();

    /// <summary>Events of one entity for one topic keep their order.</summary>
    public static string LaneOf(string topic) => $"topic {topic}";

    private string ContentTypeOf(string topic) => topics.GetValueOrDefault(topic, Defaults).DataContentType;
}
