using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CloudState.Knative.Actions;
using CloudState.Knative.Calls;
using CloudState.Knative.Cluster;
using CloudState.Knative.Delivery;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Dispatch;
using CloudState.Knative.Entities;
using CloudState.Knative.Journal;
using CloudState.Knative.Kestrel;
using CloudState.Knative.Management;
using CloudState.Knative.Outbox;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Remote;
using CloudState.Knative.Routing;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using CloudState.Knative.Topics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CloudState.Knative.Hosting;

/// <summary>The parts of the library behind its edges, as services of the application.</summary>
internal static class CloudStateServices
{
    public static void AddStorage(this IServiceCollection services)
    {
        services.AddSingleton(provider => new StoredTypes(provider.GetRequiredService<EntityDefinitions>().StoredTypes, JsonOptions(provider)));
        services.AddSingleton(provider => new SelectedStore(StoreSelection.Select(
            provider.GetServices<StoreRegistration>(),
            provider.GetRequiredService<IOptions<CloudStateOptions>>().Value,
            provider.GetRequiredService<IConfiguration>())));
        services.AddSingleton(provider => provider.GetRequiredService<SelectedStore>().Registration.Create(provider, provider.GetRequiredService<StoredTypes>()));
        services.AddSingleton<StoreHealth>();
        services.AddSingleton(provider => new StoreMonitorOptions(
            provider.GetRequiredService<IOptions<CloudStateOptions>>().Value.AutoMigrate
            ?? (provider.GetRequiredService<SelectedStore>().Registration.Name == StoreRegistration.Embedded
                || provider.GetRequiredService<IHostEnvironment>().IsDevelopment())));
        services.AddHostedService<StoreMonitor>();
    }

    public static void AddRuntime(this IServiceCollection services)
    {
        services.AddSingleton(provider => new EntityDefinitions([.. provider.GetServices<EntityRegistration>().Select(entity => entity.Definition)]));
        services.AddSingleton(CreateRuntime);
        services.AddHostedService<Housekeeping>();
    }

    public static void AddEffects(this IServiceCollection services)
    {
        services.AddSingleton(provider => new ActionDefinitions(provider.GetServices<ActionRegistration>()));
        services.AddSingleton<ActionRunner>();
        services.AddSingleton<RemoteServices>();
        services.AddSingleton(provider => provider.GetRequiredService<IOptions<CloudStateOptions>>().Value.Delivery);
        services.AddSingleton(provider =>
        {
            var (entities, actions, remote) = (
                provider.GetRequiredService<EntityDefinitions>(), provider.GetRequiredService<ActionDefinitions>(), provider.GetRequiredService<RemoteServices>());
            return new CallTargets(method => entities.Find(method) is not null || actions.Find(method) is not null || remote.Has(method));
        });
        services.AddSingleton<ServiceCalls>();
    }

    public static void AddDelivery(this IServiceCollection services)
    {
        services.AddSingleton<Deliveries>();
        services.AddSingleton<OwnedOutbox>();
        services.AddSingleton<TimerSchedule>();
        services.AddSingleton<Deliverer>();
        services.AddHostedService<OutboxSync>();
        services.AddHostedService<DeliveryService>();
        services.AddSingleton<TimerService>();
        services.AddHostedService(provider => provider.GetRequiredService<TimerService>());
        services.AddSingleton<Backlog>();
        services.AddSingleton<WakeEndpoint>();
        services.AddSingleton<ParkedEndpoint>();
    }

    public static void AddEventing(this IServiceCollection services)
    {
        services.AddSingleton(provider => provider.GetRequiredService<IOptions<CloudStateOptions>>().Value.Eventing);
        services.AddSingleton<EventConsumers>();
        services.AddSingleton<SubscriptionFactory>();
        services.AddSingleton<JournalSubscriptions>();
        services.AddSingleton(provider => new JournalSignals(provider.GetRequiredService<JournalSubscriptions>().All.Select(subscription => subscription.EntityType)));
        services.AddSingleton(provider => new TopicEvents(
            provider.GetRequiredService<ServiceName>(), provider.GetRequiredService<IOptions<CloudStateOptions>>().Value, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<JournalService>();
        services.AddHostedService(provider => provider.GetRequiredService<JournalService>());
    }

    public static void AddTopics(this IServiceCollection services)
    {
        services.AddSingleton(provider => ServiceName.Of(
            provider.GetRequiredService<IOptions<CloudStateOptions>>().Value.Eventing, provider.GetRequiredService<IConfiguration>(), provider.GetRequiredService<IHostEnvironment>()));
        services.AddSingleton<SinkBinding>();
        services.AddSingleton(provider => new TopicSinks(
            provider.GetRequiredService<IOptions<CloudStateOptions>>().Value, provider.GetRequiredService<SinkBinding>(), provider.GetRequiredService<TimeProvider>()));
    }

    /// <summary>Null when no class is stored as JSON.</summary>
    private static JsonSerializerOptions? JsonOptions(IServiceProvider provider)
    {
        var resolvers = provider.GetServices<IJsonTypeInfoResolver>().ToArray();
        return resolvers.Length == 0 ? null : new JsonSerializerOptions { TypeInfoResolver = JsonTypeInfoResolver.Combine(resolvers) };
    }

    public static void AddRing(this IServiceCollection services)
    {
        services.AddSingleton(provider =>
        {
            var types = provider.GetRequiredService<EntityDefinitions>().All.Select(definition => definition.EntityType);
            var state = provider.GetRequiredService<IEntityStore>().Members is null
                ? ClusterState.Sole(types, provider.GetRequiredService<TimeProvider>())
                : new ClusterState(types, provider.GetRequiredService<IOptions<CloudStateOptions>>().Value.Cluster.Slots);
            CloudStateTelemetry.ObserveRing(state);
            return state;
        });
        services.AddSingleton(CreateMembership);
        services.AddSingleton(provider => new PeerLinks(
            provider.GetRequiredService<IOptions<CloudStateOptions>>().Value.Cluster,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<PeerLinks>>()));
        services.AddSingleton<PeerEndpoint>();
        services.AddSingleton<StateStream>();
        services.AddSingleton(provider => new CommandRouter(
            provider.GetRequiredService<EntityRuntime>(),
            provider.GetRequiredService<ClusterState>(),
            provider.GetRequiredService<PeerLinks>(),
            FindMembership(provider),
            provider.GetRequiredService<StoreHealth>(),
            provider.GetRequiredService<IOptions<CloudStateOptions>>().Value,
            provider.GetRequiredService<TimeProvider>()));
        services.AddHostedService(provider => new ClusterService(
            FindMembership(provider),
            provider.GetRequiredService<ClusterState>(),
            provider.GetRequiredService<PeerLinks>(),
            provider.GetRequiredService<PeerEndpoint>(),
            provider.GetRequiredService<EntityRuntime>()));

        // Stops before the ring does, which hands over what is left.
        services.AddHostedService<ShutdownDrain>();
    }

    /// <summary>Null with a store that only one process can use.</summary>
    private static Membership? FindMembership(IServiceProvider provider) =>
        provider.GetRequiredService<IEntityStore>().Members is null ? null : provider.GetRequiredService<Membership>();

    private static Membership CreateMembership(IServiceProvider provider)
    {
        var state = provider.GetRequiredService<ClusterState>();
        var port = provider.GetRequiredService<InternalPort>();
        var types = provider.GetRequiredService<EntityDefinitions>().All.ToDictionary(definition => definition.EntityType, definition => definition.Attribute.Version);
        var revision = provider.GetRequiredService<IConfiguration>()["K_REVISION"] ?? "";
        return new Membership(
            provider.GetRequiredService<IEntityStore>().Members!,
            state,
            () => new Member(Guid.NewGuid(), revision, port.Address, NewSecret(), types),
            provider.GetRequiredService<IOptions<CloudStateOptions>>().Value.Cluster,
            provider.GetRequiredService<StoreHealth>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<Membership>>());
    }

    // Guids come from the system's generator of secure random numbers; RandomNumberGenerator would load OpenSSL, at every start.
    private static string NewSecret() => $"{Guid.NewGuid():N}{Guid.NewGuid():N}";

    private static EntityRuntime CreateRuntime(IServiceProvider provider)
    {
        var options = provider.GetRequiredService<IOptions<CloudStateOptions>>().Value;
        var store = provider.GetRequiredService<IEntityStore>();
        var health = provider.GetRequiredService<StoreHealth>();
        var time = provider.GetRequiredService<TimeProvider>();
        var journal = new JournalWriter(store, health, options.MaxBatchSize);
        return new EntityRuntime(provider.GetServices<EntityRegistration>().ToDictionary(entity => entity.Definition.EntityType, CreateTable), journal, time);

        ActivationTable CreateTable(EntityRegistration entity)
        {
            var entityOptions = options.Entities.Copy();
            entity.Configure?.Invoke(entityOptions);
            var failures = CloudStateOptionsValidation.Failures(entity.Definition.EntityType, entityOptions).ToArray();
            if (failures.Length > 0)
            {
                throw new OptionsValidationException(entity.Definition.EntityType, typeof(EntityOptions), failures);
            }

            var logger = provider.GetRequiredService<ILoggerFactory>().CreateLogger<CommandRunner>();
            var runner = new CommandRunner(
                entity.Definition, entity.InstanceFactory(provider), provider.GetRequiredService<StoredTypes>(), provider.GetRequiredService<CallTargets>(),
                provider.GetRequiredService<TopicEvents>(), SubscriptionsOf(entity.Definition), store, health, options, entityOptions, time, logger);
            return new ActivationTable(runner, entityOptions, store, journal, provider.GetRequiredService<OwnedOutbox>(), provider.GetRequiredService<TimerSchedule>(),
                provider.GetRequiredService<JournalSignals>().Of(entity.Definition.EntityType), time);
        }

        IReadOnlyList<JournalSubscription> SubscriptionsOf(EntityDefinition definition) => definition.Kind == EntityKind.EventSourced
            ? []
            : [.. provider.GetRequiredService<JournalSubscriptions>().All.Where(subscription => subscription.EntityType == definition.EntityType)];
    }
}
