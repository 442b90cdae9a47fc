using Google.Protobuf;

namespace CloudState.Knative;

/// <summary>
/// An entity whose state is the fold of its events. Commands are public methods named after the rpcs of the service; they take the
/// rpc's input message and, when they want it, a <see cref="CommandContext"/>, and return the output message, plain or in a
/// <see cref="Task{TResult}"/> or <see cref="ValueTask{TResult}"/>. Events are applied by public methods <c>void Apply(TheEvent)</c>.
/// </summary>
/// <remarks>
/// <para>Commands of one entity run one after another, so that the class needs no locks. Only <c>Apply</c> may change <see cref="State"/>:
/// it is run again, without the command, when the entity is loaded. Dependencies come through the constructor.</para>
/// <para>Events are protobuf messages, strings, numbers, truth values, <see cref="ByteString"/>, or objects of classes that are stored as JSON (<see cref="CloudStateBuilder.UseJson"/>).
/// One that has changed its shape for good gets a new class: a public method <c>TheNewEvent Upcast(TheOldEvent)</c> turns stored ones into it. One that has only changed
/// its name keeps the old one in a <see cref="FormerNameAttribute"/> on its <c>Apply</c>.</para>
/// </remarks>
/// <typeparam name="TState">
/// A protobuf message, which is its own snapshot, or any class; then the entity also has public methods
/// <c>TSnapshot Snapshot()</c> and <c>void Restore(TSnapshot)</c>, where <c>TSnapshot</c> is what can be an event, too.
/// </typeparam>
public abstract class EventSourcedEntity<TState> : Entity
    where TState : class, new()
{
    /// <summary>The current state; before the first event it is <c>new TState()</c>.</summary>
    protected TState State { get; set; } = new();

    /// <summary>For the test kit, which does not derive from this class.</summary>
    internal TState CurrentState => State;

    internal override object TakeSnapshot() => ((IDeepCloneable<TState>)State).Clone();

    internal override void RestoreSnapshot(object snapshot) => State = (TState)snapshot;

    internal override void Reset() => State = new();
}
