using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CloudState.Knative.Actions;
using CloudState.Knative.Calls;
using CloudState.Knative.Cluster;
using CloudState.Knative.Delivery;
using CloudState.Knative.Dispatch;
using CloudState.Knative.Entities;
using CloudState.Knative.Journal;
using CloudState.Knative.Kestrel;
using CloudState.Knative.Management;
using CloudState.Knative.Memory;
using CloudState.Knative.Outbox;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Remote;
using CloudState.Knative.Routing;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using CloudState.Knative.Topics;
using Google.Protobuf.Reflection;
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
        services.AddSingleton(provider => new MessageShapes(FilesOf(provider), NameRecord.Empty));
        services.AddSingleton(provider => new StoredTypes(
            provider.GetRequiredService<EntityDefinitions>().StoredTypes,
            JsonOptions(provider),
            RpcsOf(provider).SelectMany(rpc => (MessageDescriptor[])[rpc.InputType, rpc.OutputType]),
            FilesOf(provider)));
        services.AddSingleton(provider => new SelectedStore(StoreSelection.Select(
            provider.GetServices<StoreRegistration>(), OptionsOf(provider), provider.GetRequiredService<IConfiguration>())));
        services.AddSingleton(
            provider => provider.GetRequiredService<SelectedStore>().Registration.Create(provider, provider.GetRequiredService<StoredTypes>()));
        services.AddSingleton<StoreHealth>();
        services.AddSingleton(provider => new StoreMonitorOptions(
            OptionsOf(provider).AutoMigrate
            ?? (provider.GetRequiredService<SelectedStore>().Registration.Name == StoreRegistration.Embedded
                || provider.GetRequiredService<IHostEnvironment>().IsDevelopment())));
        services.AddSingleton<StoreMonitor>();
    }

    public static void AddRuntime(this IServiceCollection services)
    {
        services.AddSingleton(provider => new MemoryLimit(
            OptionsOf(provider).MemoryLimit * 1024L * 1024, OptionsOf(provider).MaxMemoryLoad,
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<MemoryLimit>>()));
        services.AddSingleton(provider => new EntityDefinitions([.. provider.GetServices<EntityRegistration>().Select(entity => entity.Definition)]));
        services.AddSingleton(RuntimeFactory.Create);
        services.AddSingleton<Housekeeping>();
    }

    public static void AddCalls(this IServiceCollection services)
    {
        services.AddSingleton(provider =>
        {
            var options = OptionsOf(provider);
            return new CallLimits
            {
                Timeout = options.CommandTimeout,
                MaxDepth = options.MaxCallDepth,
                MaxKeyLength = options.MaxKeyLength,
                MaxCommandIdLength = options.MaxCommandIdLength,
                MaxCommandIds = options.MaxCommandIds,
                CommandIdRetention = options.CommandIdRetention,
                ShowsExceptions = options.EnableDetailedErrors,
            };
        });
        services.AddSingleton(provider => new ActionDefinitions(provider.GetServices<ActionRegistration>()));
        services.AddSingleton<ActionRunner>();
        services.AddSingleton<RemoteServices>();
        services.AddSingleton(provider =>
        {
            var (entities, actions, remote) = (
                provider.GetRequiredService<EntityDefinitions>(),
                provider.GetRequiredService<ActionDefinitions>(),
                provider.GetRequiredService<RemoteServices>());
            return new CallTargets(method => entities.Find(method) is not null || actions.Has(method) || remote.Has(method));
        });
        services.AddSingleton<RpcTable>();
        services.AddSingleton<RpcCalls>();
        services.AddSingleton(provider => new LocalInvoker(
            () => (provider.GetRequiredService<RpcCalls>(), provider.GetRequiredService<RpcTable>()), provider.GetRequiredService<TimeProvider>()));
    }

    public static void AddDelivery(this IServiceCollection services)
    {
        services.AddSingleton(provider => OptionsOf(provider).Delivery);
        services.AddSingleton<Deliveries>();
        services.AddSingleton<OwnedOutbox>();
        services.AddSingleton<TimerSchedule>();
        services.AddSingleton<Deliverer>();
        services.AddSingleton<OutboxSync>();
        services.AddSingleton<DeliveryService>();
        services.AddSingleton<TimerService>();
        services.AddSingleton<Backlog>();
        services.AddSingleton<ShutdownDrain>();
    }

    public static void AddJournal(this IServiceCollection services)
    {
        services.AddSingleton(provider => new EventConsumers(provider.GetRequiredService<EntityDefinitions>(),
        [
            .. provider.GetRequiredService<EntityDefinitions>().Commands.Select(found => new EventRpc(found.Command.Rpc, found.Command.Key)),
            .. provider.GetRequiredService<ActionDefinitions>().Methods.Select(found => new EventRpc(found.Method.Rpc, Key: null)),
        ]));
        services.AddSingleton<SubscriptionFactory>();
        services.AddSingleton<JournalSubscriptions>();
        services.AddSingleton(RuntimeFactory.CreateJournals);
        services.AddSingleton<JournalService>();
    }

    public static void AddTopics(this IServiceCollection services)
    {
        services.AddSingleton(provider => OptionsOf(provider).Eventing);
        services.AddSingleton(provider => ServiceName.Of(
            OptionsOf(provider).Eventing, provider.GetRequiredService<IConfiguration>(), provider.GetRequiredService<IHostEnvironment>()));
        services.AddSingleton<SinkBinding>();
        services.AddSingleton(provider => new TopicEvents(
            provider.GetRequiredService<ServiceName>(), OptionsOf(provider).Topics, provider.GetRequiredService<MessageShapes>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new TopicSinks(
            OptionsOf(provider).Topics,
            OptionsOf(provider).Eventing,
            provider.GetRequiredService<SinkBinding>(),
            provider.GetRequiredService<IHostEnvironment>().IsDevelopment() ? ActivatorUtilities.CreateInstance<PrintedEvents>(provider) : null,
            provider.GetService<CollectedEvents>(),
            provider.GetRequiredService<TimeProvider>()));
    }

    public static void AddCluster(this IServiceCollection services)
    {
        services.AddSingleton(provider => OptionsOf(provider).Cluster);
        services.AddSingleton(provider =>
        {
            var definitions = provider.GetRequiredService<EntityDefinitions>().All;
            var types = definitions.Select(definition => definition.EntityType);
            return provider.GetRequiredService<IEntityStore>().Members is null
                ? ClusterState.Sole(types, provider.GetRequiredService<TimeProvider>())
                : new ClusterState(
                    types, OptionsOf(provider).Cluster.Slots, definitions.Where(definition => definition.Model.IsReplicated).Select(definition => definition.EntityType));
        });
        services.AddSingleton(CreateMembership);
        services.AddSingleton<PeerLinks>();
        services.AddSingleton<ReplicaOutput>();
        services.AddSingleton(provider => new LocalFlush(
            OptionsOf(provider).Crdt.FlushInterval, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<LocalFlush>>()));
        services.AddSingleton(provider => new ReplicaSync(
            provider.GetRequiredService<EntityRuntime>(),
            provider.GetRequiredService<IEntityStore>().Replicas,
            [.. provider.GetRequiredService<EntityDefinitions>().All.Where(definition => definition.Model.IsReplicated).Select(definition => definition.EntityType)],
            provider.GetRequiredService<StoreHealth>(),
            OptionsOf(provider).Crdt,
            provider.GetRequiredService<TimeProvider>()));
        // The commands that end here are called, and the calls need the router: found when the first command comes.
        services.AddSingleton<PeerEndpoint>(provider => new PeerEndpoint(
            provider.GetRequiredService<EntityDefinitions>(),
            command => provider.GetRequiredService<RpcCalls>().ExecuteForwardedAsync(command),
            provider.GetRequiredService<ReplicaSync>(),
            provider.GetRequiredService<ClusterState>(),
            OptionsOf(provider).Cluster,
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new EverywhereLevel(
            provider.GetRequiredService<ReplicaSync>(), provider.GetRequiredService<PeerLinks>(), provider.GetRequiredService<ClusterState>(),
            FindMembership(provider), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<StateStreams>();
        services.AddSingleton(provider => new CommandRouter(
            provider.GetRequiredService<EntityRuntime>(),
            provider.GetRequiredService<ClusterState>(),
            provider.GetRequiredService<PeerLinks>(),
            provider.GetRequiredService<EverywhereLevel>(),
            FindMembership(provider),
            provider.GetRequiredService<StoreHealth>(),
            provider.GetRequiredService<CallLimits>(),
            provider.GetRequiredService<TimeProvider>()));
    }

    public static void AddManagement(this IServiceCollection services)
    {
        services.AddSingleton<ParkedDeliveries>();
        services.AddSingleton<PendingWork>();
        services.AddSingleton<OperatorAccess>();
        services.AddSingleton<OperatorEndpoints>();
        services.AddSingleton<Observations>();
        services.AddSingleton<OpenFiles>();
        services.AddHostedService(provider => new Lifecycle(
            provider.GetRequiredService<StoreMonitor>(),
            provider.GetRequiredService<Housekeeping>(),
            provider.GetRequiredService<OutboxSync>(),
            provider.GetRequiredService<DeliveryService>(),
            provider.GetRequiredService<TimerService>(),
            provider.GetRequiredService<JournalService>(),
            provider.GetRequiredService<ReplicaSync>(),
            provider.GetRequiredService<OpenFiles>(),
            provider.GetRequiredService<ShutdownDrain>(),
            provider.GetRequiredService<Observations>(),
            provider.GetRequiredService<ClusterState>(),
            provider.GetRequiredService<PeerLinks>(),
            provider.GetRequiredService<PeerEndpoint>(),
            provider.GetRequiredService<EntityRuntime>(),
            provider.GetRequiredService<LocalFlush>(),
            FindMembership(provider),
            provider.GetRequiredService<ServiceValidation>(),
            provider.GetRequiredService<StartFailures>(),
            provider.GetRequiredService<IHostApplicationLifetime>(),
            provider.GetRequiredService<ILogger<Lifecycle>>()));
    }

    private static CloudStateOptions OptionsOf(IServiceProvider provider) => provider.GetRequiredService<IOptions<CloudStateOptions>>().Value;

    private static IEnumerable<MethodDescriptor> RpcsOf(IServiceProvider provider) =>
        provider.GetRequiredService<EntityDefinitions>().Commands.Select(found => found.Command.Rpc)
            .Concat(provider.GetRequiredService<ActionDefinitions>().Methods.Select(found => found.Method.Rpc));

    private static IEnumerable<FileDescriptor> FilesOf(IServiceProvider provider) =>
        RpcsOf(provider).Select(rpc => rpc.File).Concat(provider.GetServices<MessageRegistration>().Select(registration => registration.File)).Distinct();

    /// <summary>Null when no class is stored as JSON.</summary>
    private static JsonSerializerOptions? JsonOptions(IServiceProvider provider)
    {
        var resolvers = provider.GetServices<IJsonTypeInfoResolver>().ToArray();
        return resolvers.Length == 0 ? null : new JsonSerializerOptions { TypeInfoResolver = JsonTypeInfoResolver.Combine(resolvers) };
    }

    /// <summary>Null with a store that only one process can use.</summary>
    private static Membership? FindMembership(IServiceProvider provider) =>
        provider.GetRequiredService<IEntityStore>().Members is null ? null : provider.GetRequiredService<Membership>();

    private static Membership CreateMembership(IServiceProvider provider)
    {
        var port = provider.GetRequiredService<InternalPort>();
        var types = provider.GetRequiredService<EntityDefinitions>().All
            .ToDictionary(definition => definition.EntityType, definition => Member.ToMemberVersion(definition.Attribute.Version));
        var revision = provider.GetRequiredService<IConfiguration>()["K_REVISION"] ?? "";
        return new Membership(
            provider.GetRequiredService<IEntityStore>().Members!,
            provider.GetRequiredService<ClusterState>(),
            () => new Member(Guid.NewGuid(), revision, port.Address, NewSecret(), types),
            OptionsOf(provider).Cluster,
            provider.GetRequiredService<StoreHealth>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<Membership>>());
    }

    // Guids come from the system's generator of secure random numbers; RandomNumberGenerator would load OpenSSL, at every start.
    private static string NewSecret() => $"{Guid.NewGuid():N}{Guid.NewGuid():N}";
}
