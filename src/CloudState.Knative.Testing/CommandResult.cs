
namespace CloudState.Knative.Testing;

/// <summary>What a command of an entity has answered, and what it has made of the entity.</summary>
/// <typeparam name="TState">The state of the entity.</typeparam>
public sealed class CommandResult<TState> : CallResult
    where TState : class, new()
{
    internal CommandResult(string handlerName, ActionAnswer answer, ReplyMetadata metadata, TState state)
        : base(handlerName, answer, metadata) =>
        State = state;

    /// <summary>The events that are stored, in order, a deletion (<see cref="EntityDeleted"/>) among them. Empty when the command has failed, and for value entities.</summary>
    public IReadOnlyList<object> Events { get; internal init; } = [];

    /// <summary>The state after the command, what a failed one did undone. A protobuf message is a copy; an object of another class may be the entity's own, which later commands change.</summary>
    public TState State { get; }

    /// <summary>Whether the command has deleted the entity, and has not written to it since.</summary>
    public bool IsDeleted { get; internal init; }
}
