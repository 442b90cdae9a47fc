using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CloudState.Knative.Cluster;
using CloudState.Knative.Entities;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Testing;

/// <summary>An entity class, what it stores, and how an instance is made and loaded.</summary>
internal sealed class EntityUnderTest
{
    private readonly Func<Entity> _create;
    private readonly HashSet<Entity> _created = new(ReferenceEqualityComparer.Instance);

    public EntityUnderTest(Func<Entity> create, IJsonTypeInfoResolver? json)
    {
        _create = create;
        Definition = EntityDefinitionReader.Read(Create().GetType());
        if (json is null && Definition.Model.StoredTypes.FirstOrDefault(use => !use.IsMessage && PrimitiveTypes.Find(use.Type) is null) is { } withoutJson)
        {
            throw new TestKitException(
                $"{Definition.EntityClass.Name} stores {withoutJson.Type.FullName} as JSON, but nothing says how. Pass what the service gives to UseJson: EntityTestKit.Create(…, json: YourJsonContext.Default)");
        }

        Types = new CheckedTypes(Definition, json is null ? null : new JsonSerializerOptions { TypeInfoResolver = json });
    }

    public EntityDefinition Definition { get; }

    public StoredTypes Types { get; }

    public string Name => Definition.EntityClass.Name;

    public Entity Create()
    {
        var instance = _create() ?? throw new TestKitException("The factory has returned null instead of an entity.");
        return _created.Add(instance) ? instance : throw new TestKitException(
            $"The factory has returned the same {instance.GetType().Name} twice. Make a new one each time: () => new {instance.GetType().Name}(…)");
    }

    /// <summary>Starts an incarnation of the entity, as the runtime does.</summary>
    /// <exception cref="TestKitException">The entity does not know what is stored.</exception>
    public EntityInstance Load(Func<StoredEntity> read)
    {
        try
        {
            return Definition.Model.Restore(read(), new EntityEnvironment(
                Create, Types, new EntityOptions { SnapshotEvery = EntityOptions.NoSnapshots }, ClusterState.Sole([Definition.EntityType], TimeProvider.System), TimeProvider.System));
        }
        catch (UnreadableEntityException unreadable)
        {
            throw new TestKitException(unreadable.Message, unreadable);
        }
    }

    /// <inheritdoc cref="Load"/>
    public Entity LoadEntity(Func<StoredEntity> read) => ((ClassInstance)Load(read)).Entity;
}
