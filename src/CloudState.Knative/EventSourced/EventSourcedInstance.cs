using CloudState.Knative.Entities;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;

namespace CloudState.Knative.EventSourced;

/// <summary>One incarnation of an event sourced entity.</summary>
internal sealed class EventSourcedInstance(EventSourcedModel model, Entity entity, StoredEntity stored, int snapshotEvery, StoredTypes types)
    : ClassInstance(entity, stored.Version, types)
{
    private long _snapshotVersion = stored.Snapshot?.Version ?? 0;
    private List<object>? _events;

    public override void RequireEvent(Type eventType) => model.Handlers.Find(eventType);

    public override void Emit(object stored, object applied)
    {
        (_events ??= []).Add(stored);
        Version++;
        StateSize += SizeOf(stored);
        model.Handlers.Find(applied.GetType())(Entity, applied);
    }

    public override void Delete()
    {
        (_events ??= []).Add(new EntityDeleted());
        Version++;
        StateSize = 0;
        Entity.Reset();
    }

    protected override StateChange TakeChange(long expectedVersion, DateTimeOffset now)
    {
        var events = _events!;
        _events = null;
        return new EventsChange(expectedVersion, events) { Snapshot = TakeSnapshotIfDue(events) };
    }

    protected override StateChange NoChange(long version) => new EventsChange(version, []);

    private StoredSnapshot? TakeSnapshotIfDue(List<object> events)
    {
        if (events.Exists(newEvent => newEvent is EntityDeleted))
        {
            _snapshotVersion = Version;
        }

        if (model.Snapshots is null || snapshotEvery <= 0 || Version - _snapshotVersion < snapshotEvery)
        {
            return null;
        }

        _snapshotVersion = Version;
        return new StoredSnapshot(Version, model.Snapshots.Take(Entity));
    }
}
