using CloudState.Knative.Calls;
using CloudState.Knative.Entities;
using CloudState.Knative.EventSourced;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative;

/// <summary>The surroundings of one command of an entity while its handler runs.</summary>
public sealed class CommandContext : CallContext
{
    private readonly Entity _entity;
    private readonly EventHandlers _eventHandlers;
    private readonly StoredTypes _types;
    private readonly EntityKind _kind;
    private List<object>? _events;

    internal CommandContext(
        EntityDefinition definition, MethodDescriptor rpc, Entity entity, StoredTypes types, CallTargets targets, string entityId, long sequenceNumber, string? commandId,
        CallMetadata metadata, Func<CancellationToken> cancellation)
        : base(rpc, targets, commandId, metadata, cancellation)
    {
        _entity = entity;
        _eventHandlers = definition.EventHandlers;
        _types = types;
        _kind = definition.Kind;
        Key = entityId;
        Version = sequenceNumber;
        entity.StartCommand(this, types);
    }

    /// <summary>The key of the entity.</summary>
    public string Key { get; }

    /// <summary>How often the entity was changed, by events or updates and deletions, those of this command included.</summary>
    public long Version { get; private set; }

    internal IReadOnlyList<object> Events => _events ?? (IReadOnlyList<object>)[];

    /// <summary>What the command makes of a value entity.</summary>
    internal (bool IsChanged, object? Value) NewValue { get; private set; }

    internal bool HasChanges => _events is not null || NewValue.IsChanged;

    /// <summary>
    /// Emits an event of an event sourced entity and applies it to the state at once. It is stored when the command succeeds, before the reply leaves.
    /// After <see cref="CallContext.Fail"/> it does nothing.
    /// </summary>
    /// <param name="event">A protobuf message; a string, number, truth value or <see cref="ByteString"/>; or an object of a class that is stored as JSON.</param>
    /// <exception cref="InvalidOperationException">The entity has no <c>Apply</c> for this type, or is not event sourced, or the command is over.</exception>
    public void Emit<TEvent>(TEvent @event)
        where TEvent : notnull
    {
        ArgumentNullException.ThrowIfNull(@event);
        ThrowIfClosed();
        if (_kind != EntityKind.EventSourced)
        {
            throw new InvalidOperationException($"{_entity.GetType().Name} is a value entity and has no events. Call Update with its new state.");
        }

        if (Failure is not null)
        {
            return;
        }

        var apply = _eventHandlers.Find(@event.GetType());

        // Two copies: the journal's must not change with the state, nor the state with what the handler still holds.
        (_events ??= []).Add(Copy(@event));
        Version++;
        apply(_entity, Copy(@event));
    }

    /// <summary>
    /// Deletes the entity: its state is as new, at once, and what the key gets later starts from there. The events so far are archived, the value or the snapshot is removed.
    /// Stored when the command succeeds. After <see cref="CallContext.Fail"/> it does nothing.
    /// </summary>
    /// <exception cref="InvalidOperationException">The command is over.</exception>
    public void Delete()
    {
        ThrowIfClosed();
        if (Failure is not null)
        {
            return;
        }

        Version++;
        _entity.Reset();
        if (_kind == EntityKind.EventSourced)
        {
            (_events ??= []).Add(new EntityDeleted());
        }
        else
        {
            NewValue = (true, null);
        }
    }

    /// <summary>Called by the value entity. Returns false when the command has failed and changes nothing any more.</summary>
    internal bool TryUpdate(object value)
    {
        ThrowIfClosed();
        if (Failure is not null)
        {
            return false;
        }

        Version++;
        NewValue = (true, value);
        return true;
    }

    private object Copy<TEvent>(TEvent @event)
        where TEvent : notnull =>
        @event is IDeepCloneable<TEvent> message ? message.Clone() : _types.Copy(@event);
}
