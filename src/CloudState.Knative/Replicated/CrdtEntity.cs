using CloudState.Knative.Entities;
using CloudState.Knative.Replicated;

namespace CloudState.Knative;

/// <summary>
/// An entity whose state is a conflict-free replicated data type. Each process has a replica of its own: a command runs where it arrives, on a state that may not have yet what other
/// processes have added a moment ago, and what several processes change at the same time is merged without loss. Commands are methods as in the other kinds of entities; what they do
/// to <see cref="State"/> is stored as one delta, before the reply leaves.
/// </summary>
/// <remarks>
/// Example: likes that any number of pods count.
/// <code>
/// [CrdtEntity&lt;Likes.LikesBase&gt;("likes")]
/// public sealed class LikesEntity : CrdtEntity&lt;GCounter&gt;
/// {
///     public Total Like(Liked command)
///     {
///         State.Increment();
///         return new Total { Count = State.Value };
///     }
/// }
/// </code>
/// </remarks>
/// <typeparam name="TState">What is replicated, such as <see cref="GCounter"/>, <see cref="ORSet{T}"/> or <see cref="OrMap{TKey, TCrdt}"/>.</typeparam>
public abstract class CrdtEntity<TState> : Entity, ICrdtEntity
    where TState : Crdt, new()
{
    private CommandContext? _command;

    /// <summary>The state, to read and, in a command handler, to change.</summary>
    protected TState State { get; } = new();

    /// <summary>What the reply of the command that is being handled vouches for: what its rpc says, until the handler chooses another level.</summary>
    /// <exception cref="InvalidOperationException">No command is being handled.</exception>
    protected CrdtLevel Level
    {
        get => Command.Level;
        set
        {
            Command.ThrowIfEnded();
            Command.Level = value;
        }
    }

    private CommandContext Command => _command ?? throw new InvalidOperationException("No command is being handled. Use Level in a command handler.");

    Crdt ICrdtEntity.State => State;

    internal override void BeginCommand(EntityInstance instance, CommandContext command) => _command = command;

    internal override object TakeSnapshot() => throw NoSnapshot();

    internal override void RestoreSnapshot(object snapshot) => throw NoSnapshot();

    internal override void Reset() => throw NoSnapshot();

    private static InvalidOperationException NoSnapshot() => new("A replicated entity has no snapshots.");
}
