
using CloudState.Knative.Entities;
using CloudState.Knative.Values;

namespace CloudState.Knative;

/// <summary>
/// An entity that is stored as its latest state. Commands are public methods named after the rpcs of the service; they take the
/// rpc's input message and, when they want it, a <see cref="CommandContext"/>, and return the output message, plain or in a
/// <see cref="Task{TResult}"/> or <see cref="ValueTask{TResult}"/>. They change the state with <see cref="Update"/> and remove it with <see cref="CommandContext.Delete"/>.
/// </summary>
/// <remarks>Commands of one entity run one after another, so that the class needs no locks. Dependencies come through the constructor.</remarks>
/// <typeparam name="TState">A protobuf message, or a class that is stored as JSON (<see cref="CloudStateBuilder.UseJson"/>).</typeparam>
public abstract class ValueEntity<TState> : Entity
    where TState : class, new()
{
    // As stored, never handed out: what a handler does to its copy has no effect without Update.
    private TState? _stored;
    private TState? _copy;
    private CommandContext? _command;
    private ValueInstance? _instance;

    /// <summary>The current state, as a copy for this command; <c>new TState()</c> if nothing is stored.</summary>
    protected TState State => _copy ??= _stored is null ? new TState() : Copy(_stored);

    /// <summary>Whether a state is stored, or will be with this command.</summary>
    protected bool Exists => _stored is not null;

    /// <summary>Makes this the state. It is stored when the command succeeds, before the reply leaves.</summary>
    /// <exception cref="InvalidOperationException">No command is being handled.</exception>
    protected void Update(TState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        var command = _command ?? throw new InvalidOperationException("No command is being handled. Call Update in a command handler.");
        command.ThrowIfEnded();
        var stored = Copy(state);
        _instance!.Update(stored);
        (_stored, _copy) = (stored, null);
    }

    /// <summary>The copy that the handler of the last command got and has not given to <see cref="Update"/>; null if it took none.</summary>
    internal TState? LeftCopy => _copy;

    /// <summary>The state as stored; null if there is none.</summary>
    internal TState? Stored => _stored;

    internal override object TakeSnapshot() => State;

    internal override void RestoreSnapshot(object snapshot) => (_stored, _copy) = ((TState)snapshot, null);

    internal override void Reset() => (_stored, _copy) = (null, null);

    internal override void BeginCommand(EntityInstance instance, CommandContext command) => (_instance, _command, _copy) = ((ValueInstance)instance, command, null);

    private TState Copy(TState state) => (TState)_instance!.Types.Copy(state);
}
