using CloudState.Knative.Actions;
using CloudState.Knative.Dispatch;
using CloudState.Knative.Entities;
using CloudState.Knative.Grpc;
using Google.Api;
using Google.Protobuf.Reflection;
using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Grpc.JsonTranscoding;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CloudState.Knative.Rest;

/// <summary>Completes the endpoints that gRPC and JSON transcoding have made of a service.</summary>
/// <remarks>
/// A unary rpc with an HTTP rule gets a <see cref="RestFastPath"/> in front, where that changes nothing but the time it takes; a streaming one
/// <see cref="ServerSentEvents"/>. An rpc without a rule gets an <see cref="RpcEndpoint"/> for JSON at its gRPC path.
/// </remarks>
internal static class RestEndpoints
{
    public static void AddRest<TService>(this GrpcServiceEndpointConventionBuilder service, IServiceProvider services)
        where TService : class
    {
        var (entities, actions) = (services.GetRequiredService<EntityDefinitions>(), services.GetRequiredService<ActionDefinitions>());
        var calls = services.GetRequiredService<ServiceCalls>();
        var logger = services.GetRequiredService<ILogger<RpcEndpoint>>();
        var keepAlive = services.GetRequiredService<IOptions<CloudStateOptions>>().Value.StreamKeepAlive;
        var time = services.GetRequiredService<TimeProvider>();
        var pipeline = new RpcPipeline([.. InterceptorsOf<TService>(services)]);
        var mayQuicken = IsTranscodingAsExpected<TService>(services);

        service.Add(endpoint =>
        {
            if (endpoint is RouteEndpointBuilder { RequestDelegate: { } served } route
                && route.Metadata.OfType<GrpcMethodMetadata>().SingleOrDefault() is { } grpc
                && FindRpc(grpc.Method.FullName[1..]) is { } rpc)
            {
                var rule = route.Metadata.OfType<GrpcJsonTranscodingMetadata>().SingleOrDefault()?.HttpRule;
                route.RequestDelegate = rpc switch
                {
                    { IsServerStreaming: true } when rule is not null => AlsoEvents(served),
                    _ when rule is not null => Quicken(grpc.Method.FullName[1..], rule, route, served),
                    { IsClientStreaming: false } when !HasRule(rpc) => AlsoJson(rpc, served),
                    _ => served,
                };
            }
        });

        MethodDescriptor? FindRpc(string method) =>
            entities.Find(method) is var (_, command) ? command.Rpc : actions.Find(method) is var (_, action) ? action.Rpc : null;

        RequestDelegate AlsoJson(MethodDescriptor rpc, RequestDelegate grpc)
        {
            RequestDelegate json = new RpcEndpoint(rpc, pipeline, logger).HandleAsync;
            json = rpc.IsServerStreaming ? AlsoEvents(json) : json;
            return http => RpcEndpoint.IsJson(http.Request) ? json(http) : grpc(http);
        }

        RequestDelegate AlsoEvents(RequestDelegate lines) => new ServerSentEvents(lines, keepAlive, time).HandleAsync;

        RequestDelegate Quicken(string method, HttpRule rule, RouteEndpointBuilder route, RequestDelegate transcoding) =>
            mayQuicken && entities.Find(method) is var (entity, command) && RestBinding.TryCreate(entity, command, rule, route.RoutePattern) is { } binding
                ? new RestFastPath(binding, calls, transcoding).HandleAsync
                : transcoding;
    }

    private static bool HasRule(MethodDescriptor rpc) => rpc.GetOptions()?.GetExtension(AnnotationsExtensions.Http) is not null;

    private static IEnumerable<InterceptorRegistration> InterceptorsOf<TService>(IServiceProvider services)
        where TService : class =>
        services.GetRequiredService<IOptions<GrpcServiceOptions>>().Value.Interceptors
            .Concat(services.GetRequiredService<IOptions<GrpcServiceOptions<TService>>>().Value.Interceptors);

    /// <summary>Whether nobody has added interceptors of his own, or changed how JSON looks.</summary>
    private static bool IsTranscodingAsExpected<TService>(IServiceProvider services)
        where TService : class =>
        InterceptorsOf<TService>(services).All(interceptor => interceptor.Type == typeof(CommandInterceptor))
        && services.GetRequiredService<IOptions<GrpcJsonTranscodingOptions>>().Value.JsonSettings is
        {
            WriteInt64sAsStrings: true, IgnoreDefaultValues: false, WriteEnumsAsIntegers: false, WriteIndented: false, PropertyNameCaseInsensitive: false, RemoveEnumPrefix: false,
        };
}
