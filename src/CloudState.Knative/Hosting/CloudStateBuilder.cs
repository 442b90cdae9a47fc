using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using CloudState.Knative.Actions;
using CloudState.Knative.Entities;
using CloudState.Knative.Hosting;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Remote;
using CloudState.Knative.Storage;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative;

/// <summary>Adds entities, actions and stores to a service; made by <c>builder.AddCloudState()</c>.</summary>
public sealed class CloudStateBuilder
{
    internal CloudStateBuilder(WebApplicationBuilder host) => Host = host;

    /// <summary>The services of the application.</summary>
    public IServiceCollection Services => Host.Services;

    internal WebApplicationBuilder Host { get; }

    /// <summary>Adds an entity class; it becomes the implementation of the gRPC service that its attribute names.</summary>
    /// <param name="configure">Changes the options of this entity type; they start from <see cref="CloudStateOptions.Entities"/>.</param>
    /// <exception cref="EntityDefinitionException">The class does not fit the service.</exception>
    public CloudStateBuilder AddEntity<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.PublicMethods)] TEntity>(
        Action<EntityOptions>? configure = null)
        where TEntity : Entity
    {
        var definition = EntityDefinitionReader.Read(typeof(TEntity));
        definition.Attribute.Accept(new ServiceBinding.Adding(Services));
        var create = ActivatorUtilities.CreateFactory<TEntity>([]);
        Services.AddSingleton(new EntityRegistration(definition, services => () => create(services, null), configure));
        Services.AddSingleton(new ConstructedClass(typeof(TEntity), typeof(TEntity).GetConstructors()));
        Services.AddLocalClient(definition.Attribute.ServiceBase);
        return this;
    }

    /// <summary>Adds a class of stateless functions; it becomes the implementation of the gRPC service that its attribute names.</summary>
    /// <exception cref="EntityDefinitionException">The class does not fit the service.</exception>
    public CloudStateBuilder AddAction<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.PublicMethods)] TAction>()
        where TAction : class
    {
        var definition = ActionDefinitionReader.Read(typeof(TAction));
        definition.Attribute.Accept(new ServiceBinding.Adding(Services));
        if (definition.Attribute.UsesTimers && !Has(typeof(ActionTimerEntity)))
        {
            var timers = EntityDefinitionReader.Read(typeof(ActionTimerEntity));
            Services.AddSingleton(new EntityRegistration(timers, _ => () => new ActionTimerEntity(), null));
        }

        var create = ActivatorUtilities.CreateFactory<TAction>([]);
        Services.AddSingleton(new ActionRegistration(definition, services => create(services, null)));
        Services.AddSingleton(new ConstructedClass(typeof(TAction), typeof(TAction).GetConstructors()));
        Services.AddLocalClient(definition.Attribute.ServiceBase);
        return this;
    }

    /// <summary>Registers JSON metadata for events, snapshots and states that are not protobuf messages.</summary>
    /// <param name="types">
    /// Knows the classes, such as the <c>Default</c> of a <see cref="JsonSerializerContext"/>, which also works under Native AOT. Several calls add
    /// up.
    /// </param>
    public CloudStateBuilder UseJson(IJsonTypeInfoResolver types)
    {
        ArgumentNullException.ThrowIfNull(types);
        Services.AddSingleton(types);
        return this;
    }

    /// <summary>
    /// Makes messages known that a <c>google.protobuf.Any</c> may hold, in JSON at every edge and in the store. Those in the files of the service's
    /// rpcs, and in what these import, are known without it.
    /// </summary>
    /// <param name="files">The files with the messages, for example <c>MailsReflection.Descriptor</c>.</param>
    public CloudStateBuilder AddMessages(params IEnumerable<FileDescriptor> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        foreach (var file in files)
        {
            Services.AddSingleton(new MessageRegistration(file));
        }

        return this;
    }

    /// <summary>
    /// Adds a client of another service: classes get it through their constructors, and effects and forwards can call its rpcs. Calls that could not
    /// be sent are tried again, those of effects and forwards, which have an id, also when their answer is lost or says that it may work later. An
    /// attempt may take 30 seconds, all of them 2 minutes. Calls carry the trace.
    /// </summary>
    /// <typeparam name="TClient">The client that the protobuf compiler generated, for example <c>Mails.MailsClient</c>.</typeparam>
    /// <param name="service">The service, for example <c>Mails.Descriptor</c>.</param>
    /// <param name="name">
    /// The name of the Knative service, whose address follows from it: <c>http://{name}.{namespace}.svc.cluster.local</c>. Elsewhere, and for others,
    /// the address is the setting <c>CloudState:Services:{name}</c>.
    /// </param>
    public CloudStateBuilder AddServiceClient<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TClient>(
        Google.Protobuf.Reflection.ServiceDescriptor service, string name)
        where TClient : ClientBase
    {
        ArgumentNullException.ThrowIfNull(service);
        ArgumentException.ThrowIfNullOrEmpty(name);
        var registration = new RemoteServiceRegistration(service, name);
        AddClient<TClient>($"{name}:{service.FullName}").AddStandardResilienceHandler(RemoteResilience.OfPlainCalls);
        AddClient<RawClient>(registration.ClientName).AddStandardResilienceHandler(RemoteResilience.OfCallsWithId);
        Services.AddSingleton(registration);
        Services.AddSingleton(new RemoteClient(typeof(TClient)));
        return this;

        IHttpClientBuilder AddClient<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(string clientName)
            where T : class =>
            Services.AddGrpcClient<T>(
                clientName, (services, options) => options.Address = ServiceAddress.Of(name, services.GetRequiredService<IConfiguration>()));
    }

    private bool Has(Type entityClass) => Services.Any(
        service => service.ImplementationInstance is EntityRegistration { Definition.EntityClass: var known } && known == entityClass);

    /// <summary>Adds a store that a service may choose by name.</summary>
    internal CloudStateBuilder AddStore(string name, Func<IServiceProvider, StoredTypes, IEntityStore> create)
    {
        Services.AddSingleton(new StoreRegistration(name, create));
        return this;
    }
}

internal sealed record EntityRegistration(
    EntityDefinition Definition, Func<IServiceProvider, Func<Entity>> InstanceFactory, Action<EntityOptions>? Configure);

/// <summary>A client that was added with <c>AddServiceClient</c>.</summary>
internal sealed record RemoteClient(Type Client);

/// <summary>A file with messages that an <c>Any</c> may hold.</summary>
internal sealed record MessageRegistration(FileDescriptor File);

internal sealed record StoreRegistration(string Name, Func<IServiceProvider, StoredTypes, IEntityStore> Create)
{
    public const string Postgres = "postgres";

    public const string Embedded = "embedded";
}
