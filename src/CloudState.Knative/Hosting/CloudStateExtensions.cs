using CloudState.Knative;
using CloudState.Knative.Actions;
using CloudState.Knative.Calls;
using CloudState.Knative.CloudEvents;
using CloudState.Knative.Cluster;
using CloudState.Knative.Dispatch;
using CloudState.Knative.Entities;
using CloudState.Knative.Grpc;
using CloudState.Knative.Hosting;
using CloudState.Knative.Kestrel;
using CloudState.Knative.Management;
using CloudState.Knative.Memory;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Grpc.Health.V1;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Grpc.JsonTranscoding;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ReflectionV1 = Grpc.Reflection.V1.ServerReflection.ServerReflectionBase;
using ReflectionV1Alpha = Grpc.Reflection.V1Alpha.ServerReflection.ServerReflectionBase;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Adds CloudState to an ASP.NET Core application.</summary>
public static class CloudStateExtensions
{
    private const string ReadinessTag = "ready";

    /// <summary>
    /// Adds stateful entities: call <c>AddEntity</c> on the result for each, and <c>UseMarten</c> and <c>UseSqlite</c> for the stores.
    /// </summary>
    /// <param name="builder">The application. It will listen on <c>$PORT</c> (default 8080), HTTP/1.1 and HTTP/2 on one port.</param>
    /// <param name="configure">Changes options after the configuration section <c>CloudState</c> was read.</param>
    /// <remarks>
    /// Options out of their range, a port that is taken and other obstacles end the process at the start with a sentence on stderr and the exit code
    /// 1. Other settings of addresses (<c>URLS</c>, <c>HTTP_PORTS</c>) have no effect, and <c>app.Urls</c> is read-only.
    /// </remarks>
    /// <exception cref="InvalidOperationException"><c>PORT</c> is not a port number.</exception>
    public static CloudStateBuilder AddCloudState(this WebApplicationBuilder builder, Action<CloudStateOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var failures = builder.AddStartFailures();
        builder.AddOptions(configure);
        builder.AddSharedPort(failures);
        builder.AddEdges();
        builder.Services.AddStorage();
        builder.Services.AddRuntime();
        builder.Services.AddCalls();
        builder.Services.AddDelivery();
        builder.Services.AddJournal();
        builder.Services.AddCluster();
        builder.Services.AddTopics();
        builder.Services.AddManagement();
        return new CloudStateBuilder(builder);
    }

    /// <summary>
    /// Adds the middleware of CloudState: the internal port, probes of Knative, precise answers to malformed requests, gRPC-Web, and connections that
    /// close without losing a request. Call it before other middleware and before <see cref="MapCloudState"/>.
    /// </summary>
    /// <exception cref="InvalidOperationException"><c>AddCloudState</c> was not called.</exception>
    /// <exception cref="EntityDefinitionException">Two classes implement one service.</exception>
    public static IApplicationBuilder UseCloudState(this IApplicationBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var mapped = app.ApplicationServices.GetService<MappedService>() ?? throw NotAdded();
        mapped.HasMiddleware = true;
        // It needs the store, which is there when the service starts to serve.
        return app.Use(next =>
        {
            var deferred = app.New();
            deferred.UseParts();
            deferred.Run(next);
            return deferred.Build();
        });
    }

    /// <summary>
    /// Maps the services of all entities and actions (gRPC, gRPC-Web, REST), the CloudEvents endpoints, reflection, the health endpoints and a page
    /// at <c>/</c> that lists them, unless the application has one of its own. Conventions that are added to the result, such as
    /// <c>RequireAuthorization()</c>, hold for all of them but the health endpoints, which probes call.
    /// </summary>
    /// <remarks>
    /// The endpoints are made when the host starts. Its start throws an <see cref="EntityDefinitionException"/> when classes do not fit together, and
    /// an <see cref="InvalidOperationException"/> when a setting is missing or wrong; the messages name them and the cure.
    /// </remarks>
    /// <exception cref="InvalidOperationException"><c>AddCloudState</c> or <see cref="UseCloudState"/> was not called.</exception>
    public static IEndpointConventionBuilder MapCloudState(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var mapped = endpoints.ServiceProvider.GetService<MappedService>() ?? throw NotAdded();
        if (!mapped.HasMiddleware)
        {
            throw StartFailures.Of("The middleware of CloudState is missing. Call app.UseCloudState() before app.MapCloudState().");
        }

        mapped.Endpoints = new DeferredEndpoints(endpoints, MapParts);
        endpoints.DataSources.Add(mapped.Endpoints);
        return mapped.Endpoints;
    }

    internal static InvalidOperationException NotAdded() =>
        StartFailures.Of("CloudState is not added. Call builder.AddCloudState() before builder.Build().");

    private static void UseParts(this IApplicationBuilder app)
    {
        var services = app.ApplicationServices;
        var (health, cluster) = (services.GetRequiredService<StoreHealth>(), services.GetRequiredService<ClusterState>());
        services.GetRequiredService<OperatorEndpoints>().UseInternalPort(app);
        GracefulClose.UseGracefulClose(app);
        var (memory, mapped) = (services.GetRequiredService<MemoryLimit>(), services.GetRequiredService<MappedService>());
        app.UseKnativeProbe(() => health.IsUp && cluster.IsReady && mapped.Endpoints is not null && !memory.Refuses);
        app.UseMemoryGate(memory);
        app.UseRequestErrors(memory);
        app.UseGrpcWeb();
    }

    private static IEnumerable<IEndpointConventionBuilder> MapParts(IEndpointRouteBuilder endpoints)
    {
        var options = endpoints.ServiceProvider.GetRequiredService<IOptions<CloudStateOptions>>().Value;
        endpoints.MapHealth();
        return
        [
            .. endpoints.MapServices(options.StreamKeepAlive),
            .. endpoints.MapEvents(),
            .. endpoints.MapDescriptions(options.GrpcReflection),
            .. endpoints.ServiceProvider.GetServices<MappedExtra>().Select(extra => extra.Map(endpoints)),
            endpoints.MapLandingPage(),
        ];
    }

    private static IEnumerable<IEndpointConventionBuilder> MapServices(this IEndpointRouteBuilder endpoints, TimeSpan keepAlive)
    {
        var mapping = new ServiceBinding.Mapping(endpoints, keepAlive);
        foreach (var entity in endpoints.ServiceProvider.GetRequiredService<EntityDefinitions>().All.Where(entity => !entity.Service.IsInternal()))
        {
            entity.Attribute.Accept(mapping);
        }

        foreach (var action in endpoints.ServiceProvider.GetRequiredService<ActionDefinitions>().All.Where(action => !action.Definition.Service.IsInternal()))
        {
            action.Definition.Attribute.Accept(mapping);
        }

        return mapping.Mapped;
    }

    private static IEnumerable<IEndpointConventionBuilder> MapEvents(this IEndpointRouteBuilder endpoints)
    {
        RequestDelegate events = endpoints.ServiceProvider.GetRequiredService<CloudEventEndpoint>().HandleAsync;
        RequestDelegate wake = endpoints.ServiceProvider.GetRequiredService<OperatorEndpoints>().WakeAsync;
        return
        [
            endpoints.MapPost("/", events),
            endpoints.MapPost("/cloudevents", events),
            endpoints.MapPost("/topics/{topic}", events),
            endpoints.MapPost(OperatorEndpoints.WakePath, wake),
        ];
    }

    private static void MapHealth(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapHealthChecks("/health/liveness", new HealthCheckOptions { Predicate = _ => false });
        endpoints.MapHealthChecks("/health/readiness", new HealthCheckOptions { Predicate = check => check.Tags.Contains(ReadinessTag) });
        _ = endpoints.MapLazily(
            lazy => lazy.MapGrpcHealthChecksService(), new LazyGrpcService("grpc.health.v1.Health", typeof(Health.HealthBase), "Check", "Watch"));
    }

    private static IEnumerable<IEndpointConventionBuilder> MapDescriptions(this IEndpointRouteBuilder endpoints, bool reflection) => reflection
        ? endpoints.MapLazily(
            lazy => lazy.MapGrpcReflectionService(),
            new LazyGrpcService("grpc.reflection.v1.ServerReflection", typeof(ReflectionV1), "ServerReflectionInfo"),
            new LazyGrpcService("grpc.reflection.v1alpha.ServerReflection", typeof(ReflectionV1Alpha), "ServerReflectionInfo"))
        : [];

    private static StartFailures AddStartFailures(this WebApplicationBuilder builder)
    {
        var failures = new StartFailures(builder.Environment);
        failures.HandleUnhandled();
        builder.Services.AddSingleton(failures);
        // The host would log the stack trace of what a sentence says.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => level >= LogLevel.Warning && !failures.HasExplained);
        return failures;
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

    private static void AddSharedPort(this WebApplicationBuilder builder, StartFailures failures)
    {
        var port = builder.Configuration["PORT"] is { Length: > 0 } text
            ? int.TryParse(text, out var number) && number is >= 0 and <= 65535
                ? number
                : throw StartFailures.Of($"PORT is '{text}'. Set it to a number from 0 to 65535.")
            : 8080;
        SharedPortServer.Add(builder.Services, failures.Note);
        builder.Services.AddSingleton<IConnectionListenerFactory, GhostListenerFactory>();
        builder.Services.AddSingleton(services => new InternalPort(
            services.GetRequiredService<IOptions<CloudStateOptions>>().Value.Cluster,
            isOnKnative: !string.IsNullOrEmpty(services.GetRequiredService<IConfiguration>()["K_SERVICE"])));
        builder.Services.AddOptions<KestrelServerOptions>().Configure<IServiceProvider>((kestrel, services) =>
        {
            var options = services.GetRequiredService<IOptions<CloudStateOptions>>().Value;
            kestrel.Limits.MaxRequestBodySize = services.GetRequiredService<MemoryLimit>().AtMost(options.MaxRequestBodySize);
            kestrel.Limits.Http2.KeepAlivePingDelay = options.KeepAlivePingDelay;
            kestrel.Limits.Http2.KeepAlivePingTimeout = options.KeepAlivePingTimeout;
            var time = services.GetRequiredService<TimeProvider>();
            var sharedPort = new SharedPort(
                kestrel, options.ProtocolDetectionTimeout, options.ShutdownKeepAlive,
                () => new ConnectionLimit(options.MaxConnections, time, services.GetRequiredService<ILogger<ConnectionLimit>>()), time);
            sharedPort.Listen(port);
            if (services.GetRequiredService<IEntityStore>().Members is not null || options.Cluster.Port is not null)
            {
                services.GetRequiredService<InternalPort>().Listen(sharedPort);
            }
        });
    }

    private static void AddEdges(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        // Its errors would repeat with every probe what StoreHealth logs once.
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks.DefaultHealthCheckService", LogLevel.None);
        // Refusals are for clients: gRPC would log each with its stack trace.
        builder.Logging.AddFilter("Grpc.AspNetCore.Server.ServerCallHandler", LogLevel.Warning);
        // As protobuf's JSON mapping says: a number would lose digits in JavaScript.
        ServiceBinding.AddTranscoding(services.AddGrpc(), transcoding => transcoding.JsonSettings.WriteInt64sAsStrings = true);
        services.AddOptions<GrpcJsonTranscodingOptions>().Configure<MessageShapes>((transcoding, shapes) => transcoding.TypeRegistry = shapes.Registry);
        services.AddOptions<global::Grpc.AspNetCore.Server.GrpcServiceOptions>().Configure<IOptions<CloudStateOptions>, MemoryLimit>((grpc, options, memory) =>
        {
            grpc.MaxReceiveMessageSize = memory.AtMost(options.Value.MaxRequestBodySize);
            grpc.EnableDetailedErrors = options.Value.EnableDetailedErrors;
        });
        services.AddGrpcReflection();
        services.AddGrpcHealthChecks()
            .AddCheck<StoreHealthCheck>("store", tags: [ReadinessTag])
            .AddCheck<BacklogHealthCheck>("backlog", tags: [ReadinessTag])
            .AddCheck<MemoryHealthCheck>("memory", tags: [ReadinessTag])
            .AddCheck<MappedHealthCheck>("mapped", tags: [ReadinessTag]);
        services.AddSingleton<RpcInterceptor>();
        services.AddSingleton<UnreadableMessages>();
        services.AddSingleton<ServiceValidation>();
        services.AddSingleton<MappedService>();
        services.AddSingleton<LandingPage>();
        services.AddSingleton(provider => new CloudEventRoutes(
            provider.GetRequiredService<RpcTable>(), provider.GetRequiredService<IOptions<CloudStateOptions>>().Value.Topics,
            provider.GetRequiredService<MessageShapes>(), provider.GetRequiredService<CallLimits>()));
        services.AddSingleton<CloudEventEndpoint>();
    }
}
