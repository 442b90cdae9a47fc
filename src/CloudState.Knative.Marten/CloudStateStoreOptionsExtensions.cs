using CloudState.Knative.Storage;
using Google.Protobuf.Reflection;
using JasperFx.Events;
using Marten;

namespace CloudState.Knative.Marten;

/// <summary>Lets a Marten document store read and project the events of CloudState entities.</summary>
public static class CloudStateStoreOptionsExtensions
{
    /// <summary>
    /// Configures the event store for the streams that entities write: one stream per entity, named <c>{entity type}/{entity id}</c>,
    /// with protobuf messages as events. Other documents and events keep the serializer that was configured before this call.
    /// </summary>
    /// <param name="options">The options of the Marten store.</param>
    /// <param name="types">The messages that occur as events and states, such as <c>ItemAdded.Descriptor</c>.</param>
    public static StoreOptions UseCloudStateEvents(this StoreOptions options, params MessageDescriptor[] types)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.UseCloudStateEvents(new MessageTypes(types));
    }

    internal static StoreOptions UseCloudStateEvents(this StoreOptions options, MessageTypes types)
    {
        options.Events.StreamIdentity = StreamIdentity.AsString;

        // One call of mt_quick_append_events per stream, which checks the expected version: no round trip before the batch itself.
        options.Events.AppendMode = EventAppendMode.Quick;
        foreach (var type in types.All)
        {
            options.Events.MapEventType(type.ClrType, type.FullName);
        }

        options.Schema.For<EntitySnapshot>().Identity(snapshot => snapshot.Id).DocumentAlias(EntityQueries.SnapshotAlias);
        return options.UseProtobufJson(types);
    }

    internal static StoreOptions UseProtobufJson(this StoreOptions options, MessageTypes types)
    {
        if (options.Serializer() is not ProtobufJsonSerializer)
        {
            options.Serializer(new ProtobufJsonSerializer(types, options.Serializer()));
        }

        return options;
    }
}
