using CloudState.Knative.Calls;
using CloudState.Knative.Outbox;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using CloudState.Knative.Topics;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Journal;

/// <summary>Makes of events of the journal what is delivered to their consumers.</summary>
internal sealed class SubscriptionFactory(StoredTypes types, TopicEvents topics)
{
    /// <summary>The subscription of a consumer.</summary>
    public JournalSubscription Subscribe(EventConsumer consumer) => new(
        consumer.Group,
        consumer.EntityType,
        read => consumer.Find(types.CurrentName(read.TypeName)) is { } rpc ? new SelectedEvent(rpc.FullName, () => ToCall(rpc, consumer, read)) : null)
    {
        Start = consumer.Start,
    };

    /// <summary>The subscription of a topic that all events of an entity type are published to.</summary>
    public JournalSubscription Publish(string entityType, string topic) => new(
        TopicEvents.LaneOf(topic), entityType, read => new SelectedEvent(topic, () => new StoredDelivery { Event = topics.OfJournal(read, topic, types).ToStored(topic) }));

    private DeliverableCall ToCall(EventRpc rpc, EventConsumer consumer, JournalEvent read)
    {
        var stored = read.InMemory ?? types.FromJson(read.TypeName, read.Json.Span);
        var described = topics.OfJournal(read, types.Of(stored).Name, "application/json", ByteString.Empty);
        var message = rpc.Rpc.InputType == Any.Descriptor ? Pack(stored).ToByteString() : ToMessage(rpc, (IMessage)stored, read);
        var id = CommandIds.OfLog(described.Source, described.Id, consumer.IsDefaultGroup ? null : consumer.Group);
        return new DeliverableCall(
            new OutgoingCall(rpc.FullName, message, described.ToMetadata()), id, Depth: 0, new EventOrder($"{consumer.Group} {read.Origin}", read.Sequence), read.Trace);
    }

    private ByteString ToMessage(EventRpc rpc, IMessage stored, JournalEvent read)
    {
        if (rpc.Key is not { } key || key.IsSet(stored))
        {
            return stored.ToByteString();
        }

        // Other consumers have the same object.
        stored = read.InMemory is null ? stored : (IMessage)types.Copy(stored);
        if (!key.TryComplete(stored, read.Origin.Key))
        {
            throw new InvalidOperationException($"The id '{read.Origin.Key}' is no entity key of {rpc.Rpc.InputType.FullName}. Set in the event: {key}.");
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
