using CloudState.Knative.Protobuf;

namespace CloudState.Knative;

/// <summary>What all kinds of entities have in common. Derive from <see cref="EventSourcedEntity{TState}"/> or <see cref="ValueEntity{TState}"/>.</summary>
public abstract class Entity
{
    private protected Entity()
    {
    }

    /// <summary>The state as an object of its own, which later commands do not change.</summary>
    internal abstract object TakeSnapshot();

    internal abstract void RestoreSnapshot(object snapshot);

    /// <summary>Makes the state that of an entity which was never written.</summary>
    internal abstract void Reset();

    internal virtual void StartCommand(CommandContext command, StoredTypes types)
    {
    }
}
