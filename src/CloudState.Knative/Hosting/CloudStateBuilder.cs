using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Entities;
using CloudState.Knative.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.Hosting;

/// <summary>Adds entities and stores to a service; made by <c>builder.AddCloudState()</c>.</summary>
public sealed class CloudStateBuilder
{
    internal CloudStateBuilder(WebApplicationBuilder host) => Host = host;

    /// <summary>The services of the application.</summary>
    public IServiceCollection Services => Host.Services;

    internal WebApplicationBuilder Host { get; }

    /// <summary>Adds an entity class; it becomes the implementation of the gRPC service that its attribute names.</summary>
    /// <param name="configure">Changes the options of this entity type; they start from <see cref="CloudStateOptions.Entities"/>.</param>
    /// <exception cref="EntityDefinitionException">The class does not fit the service.</exception>
    public CloudStateBuilder AddEntity<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.PublicMethods)] TEntity>(
        Action<EntityOptions>? configure = null)
        where TEntity : Entity
    {
        var definition = EntityDefinitionReader.Read(typeof(TEntity));
        definition.Attribute.AddService(Services);
        var create = ActivatorUtilities.CreateFactory<TEntity>([]);
        Services.AddSingleton(new EntityRegistration(definition, services => () => create(services, null), configure));
        return this;
    }

    /// <summary>Adds a store that a service may choose by name.</summary>
    internal CloudStateBuilder AddStore(string name, Func<IServiceProvider, MessageTypes, IEntityStore> create)
    {
        Services.AddSingleton(new StoreRegistration(name, create));
        return this;
    }
}

internal sealed record EntityRegistration(
    EntityDefinition Definition, Func<IServiceProvider, Func<Entity>> InstanceFactory, Action<EntityOptions>? Configure);

internal sealed record StoreRegistration(string Name, Func<IServiceProvider, MessageTypes, IEntityStore> Create)
{
    public const string Postgres = "postgres";

    public const string Embedded = "embedded";
}
