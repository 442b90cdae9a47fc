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

    /// <summary>Makes the state that of an entity that was never written.</summary>
    internal abstract void Reset();

    /// <summary>Called before each command is handled.</summary>
    internal virtual void BeginCommand(Entities.EntityInstance instance, CommandContext command)
    {
    }
}
