using CloudState.Knative.Calls;
using CloudState.Knative.Outbox;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using CloudState.Knative.Topics;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Journal;

/// <summary>Makes of events of the journal what is delivered to their consumers.</summary>
internal sealed class SubscriptionFactory(StoredTypes types, TopicEvents publications)
{
    /// <summary>The subscription of a consumer.</summary>
    public JournalSubscription Subscribe(EventConsumer consumer) => new(
        consumer.Group, consumer.EntityType, logged => consumer.Find(types.CurrentName(logged.TypeName)) is { } rpc ? (rpc.FullName, () => ToCall(rpc, consumer, logged)) : null);

    /// <summary>The subscription of a topic that all events of an entity type are published to.</summary>
    public JournalSubscription Publish(string entityType, string topic) => new(
        TopicEvents.LaneOf(topic), entityType, logged => (topic, () => new StoredDelivery { Event = publications.OfJournal(logged, topic, types).ToStored(topic) }));

    private StoredDelivery ToCall(EventRpc rpc, EventConsumer consumer, JournalEvent logged)
    {
        var stored = types.FromJson(logged.TypeName, logged.Json.Span);
        var described = publications.OfJournal(logged, types.Of(stored).Name, "application/json", ByteString.Empty);
        var message = rpc.Rpc.InputType == Any.Descriptor ? Pack(stored).ToByteString() : ToMessage(rpc, (IMessage)stored, logged.Origin.Key);
        var id = consumer.IsDefaultGroup ? $"{described.Source} {described.Id}" : $"{described.Source} {described.Id} {consumer.Group}";
        return new StoredDelivery
        {
            Call = StoredCalls.ToStored(new OutgoingCall(rpc.FullName, message, described.ToMetadata()), depth: 0, logged.Trace),
            CommandId = id,
            OrderStream = $"{consumer.Group} {logged.Origin}",
            OrderSequence = logged.Sequence,
        };
    }

    private static ByteString ToMessage(EventRpc rpc, IMessage stored, string entityId)
    {
        if (rpc.Key is { } key && !key.TryComplete(stored, entityId))
        {
            throw new InvalidOperationException($"The id '{entityId}' is no entity key of {rpc.Rpc.InputType.FullName}. Set in the event: {key}.");
        }

        return stored.ToByteString();
    }

    private Any Pack(object stored) => types.Of(stored) switch
    {
        IPrimitiveType primitive => new Any { TypeUrl = types.Of(stored).Name, Value = primitive.Wrap(stored).ToByteString() },
        _ when stored is IMessage message => Any.Pack(message),
        var json => new Any { TypeUrl = json.Name, Value = new BytesValue { Value = UnsafeByteOperations.UnsafeWrap(json.Write(stored)) }.ToByteString() },
    };
}
