using CloudState.Knative.EventSourced;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Testing;

/// <summary>
/// Runs the commands of one event sourced entity. After each of them it checks that events and snapshot survive being stored, and that loading the entity gives the
/// state that is in memory, from all its events as well as from a snapshot and those after it. Made by <see cref="EntityTestKit"/>.
/// </summary>
/// <inheritdoc cref="EntityTestKit{TState}"/>
public sealed class EventSourcedTestKit<TState> : EntityTestKit<TState>
    where TState : class, new()
{
    private readonly LoadCheck<TState> _loadCheck;

    internal EventSourcedTestKit(EntityUnderTest entity, string? key)
        : base(entity, key) =>
        _loadCheck = new LoadCheck<TState>(entity);

    /// <summary>Adds events to those that are stored; older ones, which the class has an <c>Upcast</c> for, and <see cref="EntityDeleted"/> among them.</summary>
    /// <exception cref="TestKitException">The entity has no <c>Apply</c> or <c>Upcast</c> for an event, or it does not survive being stored.</exception>
    public EventSourcedTestKit<TState> Given(params IReadOnlyList<object> events)
    {
        ArgumentNullException.ThrowIfNull(events);
        foreach (var @event in events)
        {
            ArgumentNullException.ThrowIfNull(@event, nameof(events));
            if (Entity.Types.Find(@event.GetType()) is null)
            {
                throw new TestKitException($"{@event.GetType().FullName} is no event of {Entity.Name}. Add: public void Apply({@event.GetType().Name} @event)");
            }

            Store.Add(@event);
        }

        Reload();
        return this;
    }

    /// <summary>Adds an event as a former version of the service has written it, to test upcasters and former names.</summary>
    /// <param name="typeName">What the store calls the type: the full name of a message, <c>json.cloudstate.io/…</c> with the full name of a class, or <c>p.cloudstate.io/…</c>.</param>
    /// <param name="json">The event in the store.</param>
    /// <exception cref="TestKitException">The entity cannot read it.</exception>
    public EventSourcedTestKit<TState> GivenStored(string typeName, string json)
    {
        ArgumentNullException.ThrowIfNull(typeName);
        ArgumentNullException.ThrowIfNull(json);
        Store.AddWritten(typeName, json);
        Reload();
        return this;
    }

    /// <summary>Puts a snapshot in place of all that is stored; events that are given later come after it.</summary>
    /// <param name="snapshot">The state, or what the entity's <c>Restore</c> takes.</param>
    /// <exception cref="TestKitException">The entity has no such snapshots, or it does not survive being stored.</exception>
    public EventSourcedTestKit<TState> GivenSnapshot(object snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var expected = ((EventSourcedModel)Entity.Definition.Model).Snapshots?.Take(Entity.Create()).GetType() ?? throw new TestKitException($"{Entity.Name} has no snapshots. Give it Snapshot and Restore methods.");
        if (snapshot.GetType() != expected)
        {
            throw new TestKitException($"{snapshot.GetType().FullName} is no snapshot of {Entity.Name}, which are of type {expected.FullName}.");
        }

        Store.Put("snapshot", snapshot);
        Reload();
        return this;
    }

    private protected override TState ReadState(Entity instance)
    {
        var entity = (EventSourcedEntity<TState>)instance;
        return StoredTypeUse.IsMessageType(typeof(TState)) ? (TState)entity.TakeSnapshot() : entity.CurrentState;
    }

    private protected override void Check(string handlerName, Entity inMemory, StoredEntity before, IReadOnlyList<object> newEvents)
    {
        _loadCheck.CheckEvents(handlerName, inMemory, Store);
        if (newEvents.Count > 0)
        {
            _loadCheck.CheckSnapshot(handlerName, inMemory, before, newEvents);
        }
    }
}
