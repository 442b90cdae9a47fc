using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CloudState.Knative.Actions;
using CloudState.Knative.CloudEvents;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Effects;
using CloudState.Knative.Entities;
using CloudState.Knative.Grpc;
using CloudState.Knative.Ownership;
using CloudState.Knative.Routing;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;

namespace CloudState.Knative.Hosting;

/// <summary>Adds CloudState to an ASP.NET Core application.</summary>
public static class CloudStateExtensions
{
    private const string ReadinessTag = "ready";

    /// <summary>Adds stateful entities: call <c>AddEntity</c> on the result for each, and <c>UseMarten</c> and <c>UseSqlite</c> for the stores.</summary>
    /// <param name="builder">The application. It will listen on <c>$PORT</c> (default 8080), HTTP/1.1 and HTTP/2 on one port.</param>
    /// <param name="configure">Changes options after the configuration section <c>CloudState</c> was read.</param>
    public static CloudStateBuilder AddCloudState(this WebApplicationBuilder builder, Action<CloudStateOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddOptions(configure);
        builder.AddSharedPort();
        builder.Services.AddEdges();
        // Its errors would repeat with every probe what StoreHealth logs once.
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks.DefaultHealthCheckService", LogLevel.None);
        builder.Services.AddStorage();
        builder.Services.AddRuntime();
        builder.Services.AddEffects();
        builder.Services.AddRing();
        return new CloudStateBuilder(builder);
    }

    /// <summary>Maps the services of all entities (gRPC, gRPC-Web, REST), the CloudEvents endpoints and the health endpoints.</summary>
    public static WebApplication MapCloudState(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var definitions = app.Services.GetService<EntityDefinitions>()
            ?? throw new InvalidOperationException("CloudState is not added. Call builder.AddCloudState() before builder.Build().");
        var options = app.Services.GetRequiredService<IOptions<CloudStateOptions>>().Value;

        foreach (var remote in app.Services.GetServices<RemoteServiceRegistration>())
        {
            _ = ServiceAddress.Of(remote.Name, app.Configuration);
        }

        InternalPort.Map(app);
        GracefulClose.Use(app);
        app.UseKnativeProbe();
        app.UseRequestErrors();
        app.UseGrpcWeb();
        var actions = app.Services.GetRequiredService<ActionDefinitions>();
        if (definitions.All.Count + actions.All.Count == 0)
        {
            throw new EntityDefinitionException("Nothing is registered. Call builder.AddCloudState().AddEntity<YourEntity>(), or AddAction<YourAction>().");
        }

        foreach (var definition in definitions.All)
        {
            definition.Attribute.MapService(app);
        }

        foreach (var action in actions.All)
        {
            action.Definition.Attribute.MapService(app);
        }

        var cloudEvents = app.Services.GetRequiredService<CloudEventEndpoint>();
        app.MapPost("/", (RequestDelegate)cloudEvents.HandleAsync);
        app.MapPost("/cloudevents", (RequestDelegate)cloudEvents.HandleAsync);

        app.MapHealthChecks("/health/liveness", new HealthCheckOptions { Predicate = _ => false });
        app.MapHealthChecks("/health/readiness", new HealthCheckOptions { Predicate = check => check.Tags.Contains(ReadinessTag) });
        app.MapGrpcHealthChecksService();
        if (options.GrpcReflection)
        {
            app.MapGrpcReflectionService();
        }

        if (options.PrometheusEndpoint)
        {
            _ = app.Services.GetService<MeterProvider>() ?? throw new InvalidOperationException(
                "There are no metrics for the Prometheus endpoint. Call .AddTelemetry() on what builder.AddCloudState() returns, and set CloudState:PrometheusEndpoint in the configuration.");
            app.MapPrometheusScrapingEndpoint();
        }

        return app;
    }

    private static void AddOptions(this WebApplicationBuilder builder, Action<CloudStateOptions>? configure)
    {
        var options = builder.Services.AddOptions<CloudStateOptions>().BindConfiguration("CloudState");
        if (configure is not null)
        {
            options.Configure(configure);
        }

        options.ValidateOnStart();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<CloudStateOptions>, CloudStateOptionsValidation>());
        builder.Services.TryAddSingleton(TimeProvider.System);
    }

    private static void AddSharedPort(this WebApplicationBuilder builder)
    {
        var port = builder.Configuration["PORT"] is { Length: > 0 } text
            ? int.TryParse(text, out var number) && number is >= 0 and <= 65535
                ? number
                : throw new InvalidOperationException($"PORT is '{text}'. Set it to a number from 0 to 65535.")
            : 8080;
        builder.Services.AddSingleton<IConnectionListenerFactory, GhostListenerFactory>();
        builder.Services.AddSingleton(services => new InternalPort(
            services.GetRequiredService<IOptions<CloudStateOptions>>().Value.Ring, isOnKnative: !string.IsNullOrEmpty(services.GetRequiredService<IConfiguration>()["K_SERVICE"])));
        builder.Services.AddOptions<KestrelServerOptions>().Configure<IServiceProvider>((kestrel, services) =>
        {
            var options = services.GetRequiredService<IOptions<CloudStateOptions>>().Value;
            kestrel.Limits.MaxRequestBodySize = options.MaxRequestBodySize;
            var sharedPort = new SharedPort(kestrel, options.ProtocolDetectionTimeout, options.CloseDelay, services.GetRequiredService<TimeProvider>());
            sharedPort.Listen(port);
            if (services.GetRequiredService<IEntityStore>().Members is not null)
            {
                services.GetRequiredService<InternalPort>().Listen(sharedPort);
            }
        });
    }

    private static void AddEdges(this IServiceCollection services)
    {
        // As protobuf's JSON mapping says: a number would lose digits in JavaScript.
        services.AddGrpc().AddJsonTranscoding(transcoding => transcoding.JsonSettings.WriteInt64sAsStrings = true);
        services.AddOptions<global::Grpc.AspNetCore.Server.GrpcServiceOptions>().Configure<IOptions<CloudStateOptions>>((grpc, options) =>
        {
            grpc.MaxReceiveMessageSize = options.Value.MaxRequestBodySize;
            grpc.EnableDetailedErrors = options.Value.EnableDetailedErrors;
        });
        services.AddGrpcReflection();
        services.AddGrpcHealthChecks().AddCheck<StoreHealthCheck>("store", tags: [ReadinessTag]);
        services.AddSingleton<CommandInterceptor>();
        services.AddSingleton<ActionInterceptor>();
        services.AddSingleton<CloudEventRoutes>();
        services.AddSingleton<CloudEventEndpoint>();
    }

    private static void AddStorage(this IServiceCollection services)
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

    private static void AddRuntime(this IServiceCollection services)
    {
        services.AddSingleton(provider => new EntityDefinitions([.. provider.GetServices<EntityRegistration>().Select(entity => entity.Definition)]));
        services.AddSingleton(CreateRuntime);
        services.AddHostedService<Housekeeping>();
    }

    private static void AddEffects(this IServiceCollection services)
    {
        services.AddGrpcClient<RawClient>();
        services.AddSingleton(provider => new ActionDefinitions(provider.GetServices<ActionRegistration>()));
        services.AddSingleton<ActionRunner>();
        services.AddSingleton<RemoteServices>();
        services.AddSingleton<Outbox>();
        services.AddSingleton(provider => provider.GetRequiredService<IOptions<CloudStateOptions>>().Value.Effects);
        services.AddSingleton(provider =>
        {
            var (entities, actions, remote) = (
                provider.GetRequiredService<EntityDefinitions>(), provider.GetRequiredService<ActionDefinitions>(), provider.GetRequiredService<RemoteServices>());
            return new CallTargets(method => entities.Find(method) is not null || actions.Find(method) is not null || remote.Has(method));
        });
        services.AddSingleton<ServiceCalls>();
        services.AddHostedService<OutboxDispatcher>();
    }

    /// <summary>Null when no class is stored as JSON.</summary>
    private static JsonSerializerOptions? JsonOptions(IServiceProvider provider)
    {
        var resolvers = provider.GetServices<IJsonTypeInfoResolver>().ToArray();
        return resolvers.Length == 0 ? null : new JsonSerializerOptions { TypeInfoResolver = JsonTypeInfoResolver.Combine(resolvers) };
    }

    private static void AddRing(this IServiceCollection services)
    {
        services.AddSingleton(provider =>
        {
            var types = provider.GetRequiredService<EntityDefinitions>().All.Select(definition => definition.EntityType);
            var state = provider.GetRequiredService<IEntityStore>().Members is null
                ? RingState.Sole(types, provider.GetRequiredService<TimeProvider>())
                : new RingState(types, provider.GetRequiredService<IOptions<CloudStateOptions>>().Value.Ring.Slots);
            CloudStateTelemetry.ObserveRing(state);
            return state;
        });
        services.AddSingleton(CreateMembership);
        services.AddSingleton(provider => new PeerLinks(
            provider.GetRequiredService<IOptions<CloudStateOptions>>().Value.Ring,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<PeerLinks>>()));
        services.AddSingleton<PeerEndpoint>();
        services.AddSingleton<StateStream>();
        services.AddSingleton(provider => new CommandRouter(
            provider.GetRequiredService<EntityRuntime>(),
            provider.GetRequiredService<RingState>(),
            provider.GetRequiredService<PeerLinks>(),
            FindMembership(provider),
            provider.GetRequiredService<StoreHealth>(),
            provider.GetRequiredService<IOptions<CloudStateOptions>>().Value,
            provider.GetRequiredService<TimeProvider>()));
        services.AddHostedService(provider => new RingService(
            FindMembership(provider),
            provider.GetRequiredService<RingState>(),
            provider.GetRequiredService<PeerLinks>(),
            provider.GetRequiredService<PeerEndpoint>(),
            provider.GetRequiredService<EntityRuntime>()));
    }

    /// <summary>Null with a store that only one process can use.</summary>
    private static Membership? FindMembership(IServiceProvider provider) =>
        provider.GetRequiredService<IEntityStore>().Members is null ? null : provider.GetRequiredService<Membership>();

    private static Membership CreateMembership(IServiceProvider provider)
    {
        var state = provider.GetRequiredService<RingState>();
        var port = provider.GetRequiredService<InternalPort>();
        var types = provider.GetRequiredService<EntityDefinitions>().All.ToDictionary(definition => definition.EntityType, definition => definition.Attribute.Version);
        var revision = provider.GetRequiredService<IConfiguration>()["K_REVISION"] ?? "";
        return new Membership(
            provider.GetRequiredService<IEntityStore>().Members!,
            state,
            () => new Member(Guid.NewGuid(), revision, port.Address, NewSecret(), types),
            provider.GetRequiredService<IOptions<CloudStateOptions>>().Value.Ring,
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
        var journal = new Journal(store, health, options.MaxBatchSize);
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
                store, health, options, entityOptions, time, logger);
            return new ActivationTable(runner, entityOptions, store, journal, provider.GetRequiredService<Outbox>(), time);
        }
    }
}
