using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Entities;
using CloudState.Knative.EventSourced;

namespace CloudState.Knative;

/// <summary>Binds a class that derives from <see cref="EventSourcedEntity{TState}"/> to its service. Use <see cref="EventSourcedEntityAttribute{TService}"/>.</summary>
public abstract class EventSourcedEntityAttribute : EntityAttribute
{
    private protected EventSourcedEntityAttribute(string entityType)
        : base(entityType)
    {
    }

    /// <summary>Number of events between snapshots.</summary>
    /// <value>Default: 0, as <see cref="EntityOptions.SnapshotEvery"/> says; <see cref="EntityOptions.NoSnapshots"/> or another negative number: no snapshots.</value>
    public int SnapshotEvery { get; init; }

    /// <summary>
    /// The events that the entity emits. If given, the start fails unless there is exactly one <c>Apply</c> for each; otherwise a
    /// missing <c>Apply</c> fails the first command that emits the event.
    /// </summary>
    /// <value>Default: empty, not checked.</value>
    public Type[] Events { get; init; } = [];

    /// <summary>
    /// The topic that all events of the entities are published to as CloudEvents, each at least once and those of one entity in order, from the first that was ever stored.
    /// Their ids, <c>{entity type}/{key}/{sequence}</c>, never change.
    /// </summary>
    /// <value>Default: none.</value>
    public string? PublishTo { get; init; }

    internal override string? PublishTopic => PublishTo;

    internal override EntityModel ReadModel(HandlerClass handlers)
    {
        var state = handlers.ReadStateType(typeof(EventSourcedEntity<>));
        var events = new EventHandlersReader(handlers);
        return new EventSourcedModel(
            handlers.Type, events.Read(this), events.ReadSnapshots(this, state), SnapshotEvery, events.StoredTypes);
    }
}

/// <summary>Makes a class that derives from <see cref="EventSourcedEntity{TState}"/> the implementation of a gRPC service.</summary>
/// <typeparam name="TService">The service's generated base class, for example <c>ShoppingCart.ShoppingCartBase</c>.</typeparam>
/// <param name="entityType">The name under which entities are stored, for example <c>shopping-cart</c>.</param>
public sealed class EventSourcedEntityAttribute<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TService>(string entityType)
    : EventSourcedEntityAttribute(entityType)
    where TService : class
{
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)]
    internal override Type ServiceBase => typeof(TService);

    internal override void Accept(IServiceVisitor visitor) => visitor.Visit<TService>();
}
