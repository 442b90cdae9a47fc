using CloudState.Knative.Entities;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Runtime;

/// <summary>
/// One life of an entity in memory, from its load to its discard. The state may run ahead of the store; when an append fails, the
/// whole life is discarded and the next command starts another one from the store.
/// </summary>
internal sealed class LoadedEntity(Entity instance, RecentCommandIds commandIds)
{
    private volatile bool _isDiscarded;
    private Dictionary<string, StreamPosition>? _streams;
    private int _commandsSinceTrim;
    private DateTimeOffset? _expiresAt;

    public Entity Instance { get; } = instance;

    public RecentCommandIds CommandIds { get; } = commandIds;

    /// <summary>The number of the last change, stored or on its way to the store.</summary>
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
            definition.EventHandlers.Replay(instance, @event);
        }

        commandIds.AddRange(stored.RecentCommands);
        return new LoadedEntity(instance, commandIds)
        {
            Version = stored.Version,
            SnapshotVersion = stored.Snapshot?.Version ?? 0,
            _expiresAt = stored.Snapshot?.ExpiresAt,
        };
    }

    /// <summary>How far the entity has come in a stream; null when that was not looked up.</summary>
    public StreamPosition? PositionIn(string stream) => _streams?.GetValueOrDefault(stream);

    public StreamPosition StartIn(string stream, long last)
    {
        var position = new StreamPosition { Last = last };
        (_streams ??= []).Add(stream, position);
        return position;
    }

    /// <summary>Makes the state that of a new entity when its time is over.</summary>
    public void ExpireIfDue(DateTimeOffset now)
    {
        if (_expiresAt <= now)
        {
            _expiresAt = null;
            Instance.Reset();
        }
    }

    /// <summary>Moves on to the version after the command. Returns what is to be stored for that.</summary>
    public EntityAppend Advance(EntityId key, CommandContext context, CommandRecord? record, StoragePolicy policy, DateTimeOffset now)
    {
        var append = Remember(key, record, policy);
        Version = context.Version;
        if (policy.Kind == EntityKind.EventSourced)
        {
            return append with { Events = context.Events, Snapshot = TakeSnapshotWhenDue(context, policy) };
        }

        if (context.NewValue is not (true, var value))
        {
            return append;
        }

        _expiresAt = value is null ? null : now + policy.TimeToLive;
        return append with { Value = new ValueChange(Version, value, value is null ? now : _expiresAt) };
    }

    private StoredSnapshot? TakeSnapshotWhenDue(CommandContext context, StoragePolicy policy)
    {
        if (context.Events.Any(newEvent => newEvent is EntityDeleted))
        {
            SnapshotVersion = Version;
        }

        if (policy.Snapshots is null || policy.SnapshotEvery <= 0 || Version - SnapshotVersion < policy.SnapshotEvery)
        {
            return null;
        }

        SnapshotVersion = Version;
        return new StoredSnapshot(Version, policy.Snapshots.Take(Instance));
    }

    /// <summary>Stays at its version, with the record of a command that has changed nothing.</summary>
    public EntityAppend Remember(EntityId key, CommandRecord? record, StoragePolicy policy)
    {
        var append = new EntityAppend(key, Version) { Kind = policy.Kind };
        if (record is null)
        {
            return append;
        }

        CommandIds.Add(record.CommandId, record.HandledAt);
        int? keep = null;
        if (++_commandsSinceTrim >= Math.Max(policy.KeepCommands / 10, 1))
        {
            _commandsSinceTrim = 0;
            keep = policy.KeepCommands;
        }

        return append with { Commands = [record], KeepCommands = keep };
    }
}

/// <summary>How far an entity has come in a stream whose order is kept.</summary>
internal sealed class StreamPosition
{
    /// <summary>The highest number that was handled.</summary>
    public long Last { get; set; }

    /// <summary>Since when numbers are missing, as a timestamp of the <see cref="TimeProvider"/>; null when none are.</summary>
    public long? GapSince { get; set; }
}

/// <summary>What is stored of entities of a type, and when.</summary>
/// <param name="Kind">What the store keeps of them.</param>
/// <param name="Snapshots">Null when there are none.</param>
/// <param name="SnapshotEvery">After how many events; not positive: never.</param>
/// <param name="TimeToLive">How long a value lasts; null: for ever.</param>
/// <param name="KeepCommands">How many command records.</param>
internal sealed record StoragePolicy(EntityKind Kind, SnapshotHandlers? Snapshots, int SnapshotEvery, TimeSpan? TimeToLive, int KeepCommands);
