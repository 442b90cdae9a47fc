using CloudState.Knative.Entities;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;

namespace CloudState.Knative.EventSourced;

/// <summary>Entities that are stored as their events. The state is the fold of the events; a snapshot of it every now and then keeps loads short.</summary>
/// <param name="entityClass">The class.</param>
/// <param name="handlers">Its <c>Apply</c> and <c>Upcast</c> methods.</param>
/// <param name="snapshots">How its state becomes a snapshot; null without snapshots.</param>
/// <param name="snapshotEvery">Events between snapshots; 0 as the options say, negative for none.</param>
/// <param name="storedTypes">Of events and snapshots.</param>
internal sealed class EventSourcedModel(
    Type entityClass, EventHandlers handlers, SnapshotHandlers? snapshots, int snapshotEvery, IReadOnlyList<StoredTypeUse> storedTypes) : EntityModel
{
    public override string KindName => "event sourced entity";

    public override StoredAs StoredAs => StoredAs.Events;

    public override bool HasJournal => true;

    public override IReadOnlyList<StoredTypeUse> StoredTypes => storedTypes;

    public EventHandlers Handlers => handlers;

    public SnapshotHandlers? Snapshots => snapshots;

    public bool StoresSnapshots => snapshots is not null && snapshotEvery >= 0;

    public override EntityInstance Restore(StoredEntity stored, EntityEnvironment environment)
    {
        var entity = environment.CreateEntity();
        if (stored.Snapshot is { } snapshot)
        {
            var restoring = snapshots ?? throw new UnreadableEntityException(
                $"There is a snapshot of the entity, but {entityClass.Name} cannot restore one. Give it a Restore method.");
            restoring.Restore(entity, snapshot.State);
        }

        foreach (var @event in stored.Events)
        {
            handlers.Replay(entity, @event);
        }

        return new EventSourcedInstance(this, entity, stored, snapshotEvery == 0 ? environment.Options.SnapshotEvery : snapshotEvery, environment.Types);
    }
}
