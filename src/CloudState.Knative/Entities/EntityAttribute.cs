using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Grpc;
using CloudState.Knative.Hosting;
using CloudState.Knative.Storage;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative;

/// <summary>Binds a class to the gRPC service it implements. Use <see cref="EventSourcedEntityAttribute{TService}"/> or <see cref="ValueEntityAttribute{TService}"/>.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public abstract class EntityAttribute : Attribute
{
    private protected EntityAttribute(string entityType) => EntityType = entityType;

    /// <summary>The name under which entities are stored. It outlives the names of the class and of the service: do not change it once something is stored, for that would not be found any more.</summary>
    public string EntityType { get; }

    /// <summary>
    /// The version of what the class writes. Raise it when older revisions of the service could not read its events, snapshots or values: while pods
    /// with a higher version are there, only those own entities of the type, also during a rollout.
    /// </summary>
    /// <value>Default: 1.</value>
    public int Version { get; init; } = 1;

    /// <summary>
    /// The services whose rpcs the handlers call by effects and forwards, by their generated base classes. When given, the start fails unless each is implemented in this
    /// service or added with <c>AddServiceClient</c>; otherwise a missing one fails the first call that is for it.
    /// </summary>
    /// <value>Default: empty, not checked.</value>
    public Type[] Calls { get; init; } = [];

    internal abstract EntityKind Kind { get; }

    /// <summary>The base class that the protobuf compiler generated for the service.</summary>
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)]
    internal abstract Type ServiceBase { get; }

    // The attribute carries the service as a type argument, so that gRPC's generic methods are instantiated at compile time.
    internal abstract void AddService(IServiceCollection services);

    internal abstract void MapService(IEndpointRouteBuilder endpoints);
}

/// <summary>Binds a class that derives from <see cref="EventSourcedEntity{TState}"/> to its service. Use <see cref="EventSourcedEntityAttribute{TService}"/>.</summary>
public abstract class EventSourcedEntityAttribute : EntityAttribute
{
    private protected EventSourcedEntityAttribute(string entityType)
        : base(entityType)
    {
    }

    /// <summary>A snapshot is stored once so many events follow the last one.</summary>
    /// <value>0, the default, takes <see cref="EntityOptions.SnapshotEvery"/>; a negative number stores none.</value>
    public int SnapshotEvery { get; init; }

    /// <summary>
    /// The events that the entity emits. When given, the start fails unless there is exactly one <c>Apply</c> for each; otherwise a
    /// missing <c>Apply</c> fails the first command that emits the event.
    /// </summary>
    /// <value>Default: empty, not checked.</value>
    public Type[] Events { get; init; } = [];

    /// <summary>
    /// The topic that all events of the entities are published to as CloudEvents, each at least once and those of one entity in order, from the first that was ever stored. Their ids, <c>{entity type}/{entity id}/{sequence}</c>,
    /// never change.
    /// </summary>
    /// <value>Default: none.</value>
    public string? PublishTo { get; init; }

    internal override EntityKind Kind => EntityKind.EventSourced;
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

    internal override void AddService(IServiceCollection services) => ServiceBinding.Add<TService, CommandInterceptor>(services);

    internal override void MapService(IEndpointRouteBuilder endpoints) => ServiceBinding.Map<TService>(endpoints);
}

/// <summary>Makes a class that derives from <see cref="ValueEntity{TState}"/> the implementation of a gRPC service.</summary>
/// <typeparam name="TService">The service's generated base class, for example <c>Profiles.ProfilesBase</c>.</typeparam>
/// <param name="entityType">The name under which entities are stored, for example <c>profile</c>.</param>
public sealed class ValueEntityAttribute<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TService>(string entityType)
    : EntityAttribute(entityType)
    where TService : class
{
    internal override EntityKind Kind => EntityKind.Value;

    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)]
    internal override Type ServiceBase => typeof(TService);

    internal override void AddService(IServiceCollection services) => ServiceBinding.Add<TService, CommandInterceptor>(services);

    internal override void MapService(IEndpointRouteBuilder endpoints) => ServiceBinding.Map<TService>(endpoints);
}
