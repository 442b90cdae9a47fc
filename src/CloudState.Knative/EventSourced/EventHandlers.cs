using System.Collections.Frozen;
using CloudState.Knative.Storage;

namespace CloudState.Knative.EventSourced;

/// <summary>The <c>Apply</c> and <c>Upcast</c> methods of an entity class, by event type.</summary>
internal sealed class EventHandlers(
    Type entityClass, IReadOnlyDictionary<Type, Action<Entity, object>> handlers, IReadOnlyDictionary<Type, Func<Entity, object, object>> upcasters)
{
    // More than there can be sensible steps; a circle is found by it.
    private const int MaxUpcasts = 100;

    private readonly FrozenDictionary<Type, Action<Entity, object>> _handlers = handlers.ToFrozenDictionary();
    private readonly FrozenDictionary<Type, Func<Entity, object, object>> _upcasters = upcasters.ToFrozenDictionary();

    /// <summary>Those of a class without events.</summary>
    public static EventHandlers None(Type entityClass) => new(entityClass, FrozenDictionary<Type, Action<Entity, object>>.Empty, FrozenDictionary<Type, Func<Entity, object, object>>.Empty);

    public Action<Entity, object> Find(Type eventType) =>
        _handlers.TryGetValue(eventType, out var handler)
            ? handler
            : throw new InvalidOperationException(
                $"{entityClass.Name} has no event handler for {eventType.Name}. Add: public void Apply({eventType.Name} @event)");

    /// <summary>Applies an event as the store has it, in its latest shape.</summary>
    /// <exception cref="UnreadableEntityException">The class does not know the event.</exception>
    public void Replay(Entity entity, object stored)
    {
        if (stored is EntityDeleted)
        {
            entity.Reset();
            return;
        }

        var current = stored;
        for (var steps = 0; _upcasters.TryGetValue(current.GetType(), out var upcast); steps++)
        {
            current = steps < MaxUpcasts
                ? upcast(entity, current)
                : throw new UnreadableEntityException($"The Upcast methods of {entityClass.Name} turn {stored.GetType().Name} round in a circle.");
        }

        if (!_handlers.TryGetValue(current.GetType(), out var apply))
        {
            throw new UnreadableEntityException(
                $"The stream holds an event of type {current.GetType().FullName}, which {entityClass.Name} has no handler for. Add: public void Apply({current.GetType().Name} @event)");
        }

        apply(entity, current);
    }
}
