using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Grpc;
using CloudState.Knative.Rest;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.Entities;

/// <summary>Binds a class to the gRPC service it implements. Use <see cref="EventSourcedEntityAttribute{TService}"/>.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public abstract class EntityAttribute : Attribute
{
    private protected EntityAttribute(string entityType) => EntityType = entityType;

    /// <summary>The name under which entities are stored. It outlives the names of the class and of the service: do not change it once there are events.</summary>
    public string EntityType { get; }

    /// <summary>A snapshot is stored once so many events follow the last one.</summary>
    /// <value>0, the default, takes <see cref="Hosting.EntityOptions.SnapshotEvery"/>; a negative number stores none.</value>
    public int SnapshotEvery { get; init; }

    /// <summary>
    /// The version of what the class writes. Raise it when older revisions of the service could not read its events or snapshots: while pods
    /// with a higher version are there, only those own entities of the type, also during a rollout.
    /// </summary>
    /// <value>Default: 1.</value>
    public int Version { get; init; } = 1;

    /// <summary>
    /// The events that the entity emits. When given, the start fails unless there is exactly one <c>Apply</c> for each; otherwise a
    /// missing <c>Apply</c> fails the first command that emits the event.
    /// </summary>
    /// <value>Default: empty, not checked.</value>
    public Type[] Events { get; init; } = [];

    /// <summary>The base class that the protobuf compiler generated for the service.</summary>
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)]
    internal abstract Type ServiceBase { get; }

    // The attribute carries the service as a type argument, so that gRPC's generic methods are instantiated at compile time.
    internal abstract void AddService(IServiceCollection services);

    internal abstract void MapService(IEndpointRouteBuilder endpoints);
}

/// <summary>Makes a class that derives from <see cref="EventSourcedEntity{TState}"/> the implementation of a gRPC service.</summary>
/// <typeparam name="TService">The service's generated base class, for example <c>ShoppingCart.ShoppingCartBase</c>.</typeparam>
/// <param name="entityType">The name under which entities are stored, for example <c>shopping-cart</c>.</param>
public sealed class EventSourcedEntityAttribute<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TService>(string entityType)
    : EntityAttribute(entityType)
    where TService : class
{
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)]
    internal override Type ServiceBase => typeof(TService);

    internal override void AddService(IServiceCollection services) =>
        services.AddGrpc().AddServiceOptions<TService>(options => options.Interceptors.Add<CommandInterceptor>());

    internal override void MapService(IEndpointRouteBuilder endpoints)
    {
        var service = endpoints.MapGrpcService<TService>();
        service.EnableGrpcWeb();
        service.AddRest<TService>(endpoints.ServiceProvider);
    }
}
