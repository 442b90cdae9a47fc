using System.Collections.Frozen;
using CloudState.Knative.Actions;
using CloudState.Knative.EventSourced;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Entities;

/// <summary>An entity class with its service, read once at start-up by <see cref="EntityDefinitionReader"/>. No call reflects after that.</summary>
internal sealed class EntityDefinition
{
    public required EntityAttribute Attribute { get; init; }

    public required Type EntityClass { get; init; }

    public required ServiceDescriptor Service { get; init; }

    /// <summary>The rpcs by <see cref="CommandDefinition.FullName"/>.</summary>
    public required FrozenDictionary<string, CommandDefinition> Commands { get; init; }

    public required EventHandlers EventHandlers { get; init; }

    /// <summary>Null when this entity stores no snapshots.</summary>
    public required SnapshotHandlers? Snapshots { get; init; }

    /// <summary>The types of the events and of the snapshot, or of the value.</summary>
    public required IReadOnlyList<StoredTypeUse> StoredTypes { get; init; }

    /// <summary>The full names of services that the handlers call, as far as they are declared.</summary>
    public required IReadOnlyList<string> Calls { get; init; }

    public string EntityType => Attribute.EntityType;

    /// <summary>Whether only this library calls it: it is not served, and no event is for it.</summary>
    public bool IsInternal => EntityClass == typeof(ActionTimerEntity);

    public EntityKind Kind => Attribute.Kind;
}

/// <summary>How the state of an entity becomes an object to store and comes back.</summary>
internal sealed record SnapshotHandlers(Func<Entity, object> Take, Action<Entity, object> Restore)
{
    /// <summary>The state is stored as it is.</summary>
    public static SnapshotHandlers OfState { get; } = new(entity => entity.TakeSnapshot(), (entity, snapshot) => entity.RestoreSnapshot(snapshot));
}
