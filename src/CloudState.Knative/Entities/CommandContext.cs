using CloudState.Knative.Calls;
using CloudState.Knative.Entities;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative;

/// <summary>The context of one command of an entity while its handler runs.</summary>
public sealed class CommandContext : CallContext
{
    private readonly EntityInstance _instance;
    private readonly ReplyStream? _stream;

    internal CommandContext(
        MethodDescriptor rpc, EntityInstance instance, CallTargets targets, string key, string? commandId, CallMetadata metadata, Func<CancellationToken> cancellation,
        ReplyStream? stream = null)
        : base(rpc, targets, commandId, metadata, cancellation)
    {
        (_instance, _stream) = (instance, stream);
        Key = key;
    }

    /// <summary>The key of the entity.</summary>
    public string Key { get; }

    /// <summary>How often the entity was changed, by events or by updates and deletions, those of this command included.</summary>
    public long Version => _instance.Version;

    /// <summary>
    /// The stream of replies that the caller reads. The handler of a streaming rpc is asked for the first reply, and again after each change of the entity. A method of its name with
    /// <c>Ended</c> behind it, which takes the same message, is called when a stream ends that the handler has not ended: its caller has left, or its time is over.
    /// </summary>
    /// <exception cref="InvalidOperationException">The rpc has one reply.</exception>
    public ReplyStream Stream
    {
        get
        {
            // Such a reply is for this caller.
            Metadata.MarkRead();
            return _stream ?? throw new InvalidOperationException("There is no stream: the rpc has one reply.");
        }
    }

    /// <summary>Whether the reply is the last one of its stream.</summary>
    internal bool EndsStream => _stream is { IsEnded: true };

    /// <summary>Whether the handler is asked again, after a change.</summary>
    internal bool IsAskedAgain => _stream is { IsFirst: false };

    internal bool HasChanges => _instance.HasChanges;

    /// <summary>What the reply vouches for.</summary>
    internal CrdtLevel Level { get; set; } = CrdtLevel.Durable;

    /// <summary>Emits an event of an event sourced entity and applies it to the state at once. It is stored when the command succeeds, before the reply leaves.</summary>
    /// <param name="event">A protobuf message; a string, number, truth value or <see cref="ByteString"/>; or an object of a class that is stored as JSON.</param>
    /// <exception cref="InvalidOperationException">The entity has no <c>Apply</c> for this type, or is not event sourced, or the command has ended.</exception>
    public void Emit<TEvent>(TEvent @event)
        where TEvent : notnull
    {
        ArgumentNullException.ThrowIfNull(@event);
        ThrowIfEnded();
        _instance.RequireEvent(@event.GetType());
        // Two copies: the journal's must not change with the state, nor the state with what the handler still holds.
        _instance.Emit(Copy(@event), Copy(@event));
    }

    /// <summary>
    /// Deletes the entity: its state is as new, at once, and later commands start from there. The events so far are archived, the value or the snapshot is removed.
    /// Stored when the command succeeds.
    /// </summary>
    /// <exception cref="InvalidOperationException">The command has ended.</exception>
    public void Delete()
    {
        ThrowIfEnded();
        _instance.Delete();
    }

    private object Copy<TEvent>(TEvent @event)
        where TEvent : notnull =>
        @event is IDeepCloneable<TEvent> message ? message.Clone() : _instance.Types.Copy(@event);
}
