using CloudState.Knative.Cluster;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Entities;

/// <summary>
/// What distinguishes one kind of entity from another, for the entities of one type: how they are stored and how one comes to life. With its
/// <see cref="EntityInstance"/> it is all that the runtime knows of a kind.
/// </summary>
internal abstract class EntityModel
{
    /// <summary>What such an entity is called, such as "value entity".</summary>
    public abstract string KindName { get; }

    public abstract StoredAs StoredAs { get; }

    /// <summary>Whether changes are events, which consumers read from a journal. Others are announced to them through the outbox.</summary>
    public abstract bool HasJournal { get; }

    /// <summary>Whether each process has replicas of the entities, and changes its own; otherwise commands run where the owner is.</summary>
    public virtual bool IsReplicated => false;

    /// <summary>The types of the events and of the snapshot, or of the value.</summary>
    public abstract IReadOnlyList<StoredTypeUse> StoredTypes { get; }

    /// <summary>Starts an incarnation of an entity from what is stored.</summary>
    /// <exception cref="UnreadableEntityException">The model does not understand what is stored.</exception>
    public abstract EntityInstance Restore(StoredEntity stored, EntityEnvironment environment);
}

/// <summary>What the entities of one type get from the service.</summary>
/// <param name="CreateEntity">Makes an object of the entity class.</param>
/// <param name="Types">What the entities of the service store.</param>
/// <param name="Options">Of the entity type.</param>
/// <param name="Cluster">The processes that take part.</param>
/// <param name="Time">The time.</param>
internal sealed record EntityEnvironment(Func<Entity> CreateEntity, StoredTypes Types, EntityOptions Options, ClusterState Cluster, TimeProvider Time);
