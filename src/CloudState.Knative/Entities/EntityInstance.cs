using CloudState.Knative.Crdts;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Google.Protobuf;

namespace CloudState.Knative.Entities;

/// <summary>
/// One incarnation of an entity: its state in memory, between a load and the discard of what was loaded. Commands are handled one after another:
/// <see cref="Begin"/>, the handler, then <see cref="Advance"/> if the command succeeds. An instance is discarded when a command fails that has changed it.
/// </summary>
internal abstract class EntityInstance(long version, StoredTypes types)
{
    private long _keptVersion = version;

    /// <summary>How often the entity was changed; the changes of the command that is being handled count.</summary>
    public long Version { get; protected set; } = version;

    /// <summary>Whether the command that is being handled has changed the entity.</summary>
    public bool HasChanges => Version != _keptVersion;

    public StoredTypes Types => types;

    /// <summary>About how large the state is, in bytes: what was loaded, and the events since. Often more than <see cref="MeasureState"/>.</summary>
    public long StateSize { get; set; }

    /// <summary>Called before the handler of a command runs.</summary>
    public virtual void Begin(CommandContext command, DateTimeOffset now)
    {
    }

    /// <exception cref="InvalidOperationException">Entities of this kind, or this class, have no such events.</exception>
    public abstract void RequireEvent(Type eventType);

    /// <summary>Takes a new event.</summary>
    /// <param name="stored">A copy to store, which nothing changes.</param>
    /// <param name="applied">A copy for the state.</param>
    public abstract void Emit(object stored, object applied);

    public abstract void Delete();

    /// <summary>Takes what other processes have added to a replicated entity. Returns false if something is missing before it: then it is to be read from the store.</summary>
    /// <exception cref="InvalidOperationException">Entities of this kind have one owner.</exception>
    public virtual bool TryMerge(StoredReplica update) => throw new InvalidOperationException("Only a replicated entity is changed by others than its owner.");

    /// <summary>Gives the entity another version if it is another one for a reason that no command brings.</summary>
    /// <returns>Whether it is.</returns>
    public virtual bool TryRenew() => false;

    /// <summary>Whether a replicated entity has a change already. Called at any time, on any thread.</summary>
    public virtual bool HasSeen(ReplicaNews news) => true;

    /// <summary>Keeps what the command has changed, which may be nothing. Returns what is to be stored.</summary>
    public StateChange Advance(DateTimeOffset now)
    {
        if (!HasToStore)
        {
            return Unchanged;
        }

        var change = TakeChange(_keptVersion, now);
        _keptVersion = Version;
        return change;
    }

    /// <summary>Keeps what the command has changed without storing it yet: it joins <see cref="Local"/>. False if it has to be stored.</summary>
    public virtual bool TryAdvanceLocally() => false;

    /// <summary>What was kept without being stored; null if there never was anything.</summary>
    public virtual LocalChanges? Local => null;

    /// <summary>Continues with what an earlier incarnation has kept and not stored.</summary>
    public virtual void TakeOver(LocalChanges local) => throw new InvalidOperationException("Only what a replicated entity changes is stored later.");

    /// <summary>The state as it was before the command that is being handled, for what is stored beside it.</summary>
    public StateChange Unchanged => NoChange(_keptVersion);

    /// <summary>The size of the state, in bytes; 0 if it cannot be known.</summary>
    public virtual long MeasureState() => 0;

    /// <summary>Whether there is something to store: what the command has changed, or what was kept before it.</summary>
    protected virtual bool HasToStore => HasChanges;

    /// <summary>The entity is at another version, as it is stored.</summary>
    protected void Keep(long version) => (_keptVersion, Version) = (version, version);

    /// <summary>What the command has changed since <paramref name="expectedVersion"/>.</summary>
    protected abstract StateChange TakeChange(long expectedVersion, DateTimeOffset now);

    protected abstract StateChange NoChange(long version);
}

/// <summary>An entity whose handlers and state are an object of a class.</summary>
internal abstract class ClassInstance(Entity entity, long version, StoredTypes types) : EntityInstance(version, types)
{
    public Entity Entity { get; } = entity;

    public override void Begin(CommandContext command, DateTimeOffset now) => Entity.BeginCommand(this, command);

    public override long MeasureState() => StateSize = SizeOf(Entity.TakeSnapshot());

    protected long SizeOf(object stored) => stored is IMessage message ? message.CalculateSize() : Types.Find(stored.GetType())?.Write(stored).Length ?? 0;
}
