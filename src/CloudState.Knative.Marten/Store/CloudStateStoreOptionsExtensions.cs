using CloudState.Knative.Marten;
using CloudState.Knative.Marten.Documents;
using CloudState.Knative.Protobuf;
using Google.Protobuf.Reflection;
using JasperFx.Events;
using Marten.Services.Json.Transformations;

namespace Marten;

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
        return options.UseCloudStateEvents(new StoredTypes(types));
    }

    internal static StoreOptions UseCloudStateEvents(this StoreOptions options, StoredTypes types)
    {
        options.Events.StreamIdentity = StreamIdentity.AsString;

        // One call of mt_quick_append_events per stream, which checks the expected version: no round trip before the batch itself.
        options.Events.AppendMode = EventAppendMode.Quick;
        foreach (var type in types.All.Where(type => type is not IPrimitiveType))
        {
            options.Events.MapEventType(type.ClrType, type.Name);
        }

        foreach (var (name, wrapper) in PrimitiveTypes.Wrappers)
        {
            options.Events.MapEventType(wrapper, name);
        }

        foreach (var (name, type) in types.FormerNames)
        {
            options.Events.Upcast(
                type.ClrType, name, new JsonTransformation((serializer, reader, column) => serializer.FromJson(type.ClrType, reader, column)));
        }

        options.Schema.For<EntitySnapshot>().Identity(snapshot => snapshot.Id).DocumentAlias(EntitySnapshot.Alias);
        options.Schema.For<EntityValue>().Identity(value => value.Id).DocumentAlias(EntityValue.Alias)
            .UseNumericRevisions(true).Metadata(metadata => metadata.Revision.MapTo(value => value.Version))
            .Duplicate(value => value.ExpiresAt, configure: index => index.Predicate = "expires_at is not null");
        return options.UseEntityJson(types);
    }

    internal static StoreOptions UseEntityJson(this StoreOptions options, StoredTypes types)
    {
        if (options.Serializer() is not EntityJsonSerializer)
        {
            options.Serializer(new EntityJsonSerializer(types, options.Serializer()));
        }

        return options;
    }
}
