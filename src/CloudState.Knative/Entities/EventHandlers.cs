using System.Collections.Frozen;
using Google.Protobuf;

namespace CloudState.Knative.Entities;

/// <summary>The <c>Apply</c> methods of an entity class, by event type.</summary>
internal sealed class EventHandlers(Type entityClass, IReadOnlyDictionary<Type, Action<Entity, IMessage>> handlers)
{
    private readonly FrozenDictionary<Type, Action<Entity, IMessage>> _handlers = handlers.ToFrozenDictionary();

    public IEnumerable<Type> EventTypes => _handlers.Keys;

    public Action<Entity, IMessage> Find(Type eventType) =>
        _handlers.TryGetValue(eventType, out var handler)
            ? handler
            : throw new InvalidOperationException(
                $"{entityClass.Name} has no event handler for {eventType.Name}. Add: public void Apply({eventType.Name} @event)");
}
