using Google.Protobuf;

namespace CloudState.Knative.Entities;

/// <summary>What all kinds of entities have in common. Derive from <see cref="EventSourcedEntity{TState}"/>.</summary>
public abstract class Entity
{
    private protected Entity()
    {
    }

    /// <summary>The state as a message of its own, which later commands do not change.</summary>
    internal abstract IMessage TakeSnapshot();

    internal abstract void RestoreSnapshot(IMessage snapshot);
}
