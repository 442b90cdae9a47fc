using CloudState.Knative.Delivery;
using CloudState.Knative.Effects;
using CloudState.Knative.Entities;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Eventing;

/// <summary>Makes of events of the journal what is delivered to their consumers.</summary>
internal sealed class EventDeliveries(StoredTypes types)
{
    /// <summary>The subscription of a consumer.</summary>
    public JournalSubscription Subscribe(EventConsumer consumer) => new(
        consumer.Group, consumer.EntityType, logged => consumer.Find(types.CurrentName(logged.TypeName)) is { } rpc ? (rpc.FullName, () => ToCall(rpc, consumer, logged)) : null);

    private StoredDelivery ToCall(EventRpc rpc, EventConsumer consumer, LoggedEvent logged)
    {
        var stored = types.FromJson(logged.TypeName, logged.Json.Span);
        var (source, eventId) = ($"/service/{logged.Origin.EntityType}", $"{logged.Origin}/{logged.Sequence}");
        var message = rpc.Rpc.InputType == Any.Descriptor ? Pack(stored).ToByteString() : ToMessage(rpc, (IMessage)stored, logged.Origin.EntityId);
        var id = consumer.IsDefaultGroup ? $"{source} {eventId}" : $"{source} {eventId} {consumer.Group}";
        return new StoredDelivery { Call = StoredCalls.ToStored(new OutgoingCall(rpc.FullName, message, CommandMetadata.Empty), depth: 0, default), CommandId = id };
    }

    private static ByteString ToMessage(EventRpc rpc, IMessage stored, string entityId)
    {
        if (rpc.Key is { } key && key.Read(stored).Length == 0 && !key.TryWrite(stored, entityId))
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
