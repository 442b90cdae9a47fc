using CloudState.Knative.Calls;
using CloudState.Knative.Entities;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative;

/// <summary>The context of one command of an entity while its handler runs.</summary>
public sealed class CommandContext : CallContext
{
    private readonly EntityInstance _instance;

    internal CommandContext(
        MethodDescriptor rpc, EntityInstance instance, CallTargets targets, string key, string? commandId, CallMetadata metadata, Func<CancellationToken> cancellation)
        : base(rpc, targets, commandId, metadata, cancellation)
    {
        _instance = instance;
        Key = key;
    }

    /// <summary>The key of the entity.</summary>
    public string Key { get; }

    /// <summary>How often the entity was changed, by events or by updates and deletions, those of this command included.</summary>
    public long Version => _instance.Version;

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
