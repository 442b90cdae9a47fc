using Google.Protobuf;

namespace CloudState.Knative.Entities;

/// <summary>
/// An entity whose state is the fold of its events. Commands are public methods named after the rpcs of the service; they take the
/// rpc's input message and, when they want it, a <see cref="CommandContext"/>, and return the output message, plain or in a
/// <see cref="Task{TResult}"/> or <see cref="ValueTask{TResult}"/>. Events are applied by public methods <c>void Apply(TheEvent)</c>.
/// </summary>
/// <remarks>
/// Commands of one entity run one after another, so that the class needs no locks. Only <c>Apply</c> may change <see cref="State"/>:
/// it is run again, without the command, when the entity is loaded. Dependencies come through the constructor.
/// </remarks>
/// <typeparam name="TState">
/// A protobuf message, which is its own snapshot, or any class; then the entity also has public methods
/// <c>TSnapshot Snapshot()</c> and <c>void Restore(TSnapshot)</c>, where <c>TSnapshot</c> is a protobuf message.
/// </typeparam>
public abstract class EventSourcedEntity<TState> : Entity
    where TState : class, new()
{
    /// <summary>The current state; before the first event it is <c>new TState()</c>.</summary>
    protected TState State { get; set; } = new();

    internal override IMessage TakeSnapshot() => (IMessage)((IDeepCloneable<TState>)State).Clone();

    internal override void RestoreSnapshot(IMessage snapshot) => State = (TState)snapshot;
}
