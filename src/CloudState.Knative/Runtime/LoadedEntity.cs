using CloudState.Knative.Entities;
using CloudState.Knative.Storage;
using Google.Protobuf;

namespace CloudState.Knative.Runtime;

/// <summary>
/// One life of an entity in memory, from its load to its discard. The state may run ahead of the store; when an append fails, the
/// whole life is discarded and the next command starts another one from the store.
/// </summary>
internal sealed class LoadedEntity(Entity instance, RecentCommandIds commandIds)
{
    private volatile bool _isDiscarded;
    private int _commandsSinceTrim;

    public Entity Instance { get; } = instance;

    public RecentCommandIds CommandIds { get; } = commandIds;

    /// <summary>The sequence number of the last event, stored or on its way to the store.</summary>
    public long Version { get; private set; }

    private long SnapshotVersion { get; set; }

    public bool IsDiscarded => _isDiscarded;

    public void Discard() => _isDiscarded = true;

    public static LoadedEntity Restore(EntityDefinition definition, Entity instance, StoredEntity stored, RecentCommandIds commandIds)
    {
        if (stored.Snapshot is { } snapshot)
        {
            var snapshots = definition.Snapshots ?? throw new UnreadableEntityException(
                $"There is a snapshot of the entity, but {definition.EntityClass.Name} cannot restore one. Give it a Restore method.");
            snapshots.Restore(instance, snapshot.State);
        }

        foreach (var @event in stored.Events)
        {
            definition.EventHandlers.Find(@event.GetType())(instance, @event);
        }

        commandIds.AddRange(stored.RecentCommands);
        return new LoadedEntity(instance, commandIds) { Version = stored.Version, SnapshotVersion = stored.Snapshot?.Version ?? 0 };
    }

    /// <summary>Moves on to the version after the command, with a snapshot when enough events have come since the last one.</summary>
    public PendingAppend Advance(PendingCommand pending, IReadOnlyList<IMessage> events, CommandRecord? record, SnapshotHandlers? snapshots, int snapshotEvery, int keepCommands)
    {
        var expectedVersion = Version;
        Version += events.Count;

        StoredSnapshot? snapshot = null;
        if (snapshots is not null && snapshotEvery > 0 && Version - SnapshotVersion >= snapshotEvery)
        {
            snapshot = new StoredSnapshot(Version, snapshots.Take(Instance));
            SnapshotVersion = Version;
        }

        int? keep = null;
        if (record is not null)
        {
            CommandIds.Add(record.CommandId, record.HandledAt);
            if (++_commandsSinceTrim >= Math.Max(keepCommands / 10, 1))
            {
                _commandsSinceTrim = 0;
                keep = keepCommands;
            }
        }

        return new PendingAppend(pending, this, expectedVersion, events, snapshot, record, keep);
    }
}
