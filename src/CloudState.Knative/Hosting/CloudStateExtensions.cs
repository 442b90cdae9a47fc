using CloudState.Knative;
using CloudState.Knative.Actions;
using CloudState.Knative.CloudEvents;
using CloudState.Knative.Entities;
using CloudState.Knative.Grpc;
using CloudState.Knative.Hosting;
using CloudState.Knative.Journal;
using CloudState.Knative.Kestrel;
using CloudState.Knative.Management;
using CloudState.Knative.Remote;
using CloudState.Knative.Storage;
using CloudState.Knative.Topics;
using Grpc.Health.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;
using ReflectionV1 = Grpc.Reflection.V1.ServerReflection.ServerReflectionBase;
using ReflectionV1Alpha = Grpc.Reflection.V1Alpha.ServerReflection.ServerReflectionBase;

namespace Microsoft.AspNetCore.Builder;

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
        builder.Services.AddDelivery();
        builder.Services.AddEventing();
        builder.Services.AddRing();
        builder.Services.AddTopics();
        return new CloudStateBuilder(builder);
    }

    /// <summary>Maps the services of all entities (gRPC, gRPC-Web, REST), the CloudEvents endpoints and the health endpoints.</summary>
    public static WebApplication MapCloudState(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var definitions = app.Services.GetService<EntityDefinitions>()
            ?? throw new InvalidOperationException("CloudState is not added. Call builder.AddCloudState() before builder.Build().");
        var options = app.Services.GetRequiredService<IOptions<CloudStateOptions>>().Value;

        var remotes = app.Services.GetServices<RemoteServiceRegistration>().ToArray();
        foreach (var remote in remotes)
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

        EntityDefinitions.RejectDuplicates(
            definitions.All.Select(entity => (Class: entity.EntityClass, Service: entity.Service.FullName))
                .Concat(actions.All.Select(action => (Class: action.Definition.ActionClass, Service: action.Definition.Service.FullName))),
            registered => registered.Class, registered => registered.Service, "the service");
        RejectUnknownCalls(definitions, actions, remotes);
        _ = app.Services.GetRequiredService<EventConsumers>();
        app.Services.GetRequiredService<TopicSinks>().Check(TopicEvents.Topics(definitions, actions));
        foreach (var definition in definitions.All.Where(definition => !definition.IsInternal))
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
        app.MapPost("/topics/{topic}", (RequestDelegate)cloudEvents.HandleAsync);

        app.MapPost(WakeEndpoint.Path, (RequestDelegate)app.Services.GetRequiredService<WakeEndpoint>().HandleAsync);

        app.MapHealthChecks("/health/liveness", new HealthCheckOptions { Predicate = _ => false });
        app.MapHealthChecks("/health/readiness", new HealthCheckOptions { Predicate = check => check.Tags.Contains(ReadinessTag) });
        LazyGrpcService[] reflection = options.GrpcReflection
            ? [new("grpc.reflection.v1.ServerReflection", typeof(ReflectionV1), "ServerReflectionInfo"), new("grpc.reflection.v1alpha.ServerReflection", typeof(ReflectionV1Alpha), "ServerReflectionInfo")]
            : [];
        app.MapLazily(
            late =>
            {
                late.MapGrpcHealthChecksService();
                if (options.GrpcReflection)
                {
                    late.MapGrpcReflectionService();
                }
            },
            [new("grpc.health.v1.Health", typeof(Health.HealthBase), "Check", "Watch"), .. reflection]);

        if (options.PrometheusEndpoint)
        {
            _ = app.Services.GetService<MeterProvider>() ?? throw new InvalidOperationException(
                "There are no metrics for the Prometheus endpoint. Call .AddTelemetry() on what builder.AddCloudState() returns, and set CloudState:PrometheusEndpoint in the configuration.");
            app.MapPrometheusScrapingEndpoint();
        }

        return app;
    }

    private static void RejectUnknownCalls(EntityDefinitions entities, ActionDefinitions actions, RemoteServiceRegistration[] remotes)
    {
        HashSet<string> known =
        [
            .. entities.All.Select(entity => entity.Service.FullName),
            .. actions.All.Select(action => action.Definition.Service.FullName),
            .. remotes.Select(remote => remote.Service.FullName),
        ];
        foreach (var (caller, calls) in entities.All.Select(entity => (entity.EntityClass, entity.Calls)).Concat(actions.All.Select(action => (action.Definition.ActionClass, action.Definition.Calls))))
        {
            if (calls.FirstOrDefault(service => !known.Contains(service)) is { } unknown)
            {
                throw new EntityDefinitionException(
                    $"{caller.FullName} calls {unknown}, which is not in this service. Register the class that implements it with AddEntity or AddAction, or another service with AddServiceClient.");
            }
        }
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
            services.GetRequiredService<IOptions<CloudStateOptions>>().Value.Cluster, isOnKnative: !string.IsNullOrEmpty(services.GetRequiredService<IConfiguration>()["K_SERVICE"])));
        builder.Services.AddOptions<KestrelServerOptions>().Configure<IServiceProvider>((kestrel, services) =>
        {
            var options = services.GetRequiredService<IOptions<CloudStateOptions>>().Value;
            kestrel.Limits.MaxRequestBodySize = options.MaxRequestBodySize;
            var sharedPort = new SharedPort(kestrel, options.ProtocolDetectionTimeout, options.ShutdownKeepAlive, services.GetRequiredService<TimeProvider>());
            sharedPort.Listen(port);
            if (services.GetRequiredService<IEntityStore>().Members is not null || options.Cluster.Port is not null)
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
        services.AddGrpcHealthChecks().AddCheck<StoreHealthCheck>("store", tags: [ReadinessTag]).AddCheck<BacklogHealthCheck>("backlog", tags: [ReadinessTag]);
        services.AddSingleton<CommandInterceptor>();
        services.AddSingleton<ActionInterceptor>();
        services.AddSingleton<CloudEventRoutes>();
        services.AddSingleton<CloudEventEndpoint>();
    }
}
