using CloudState.Knative.Dispatch;
using CloudState.Knative.Grpc;
using CloudState.Knative.Memory;
using CloudState.Knative.Protobuf;
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
    /// <param name="service">The endpoints of the service.</param>
    /// <param name="services">Of the application.</param>
    /// <param name="keepAlive">How often a comment goes out on a quiet stream of Server-Sent Events.</param>
    public static void AddRest<TService>(this GrpcServiceEndpointConventionBuilder service, IServiceProvider services, TimeSpan keepAlive)
        where TService : class
    {
        var table = services.GetRequiredService<RpcTable>();
        var calls = services.GetRequiredService<RpcCalls>();
        var logger = services.GetRequiredService<ILogger<RpcEndpoint>>();
        var time = services.GetRequiredService<TimeProvider>();
        var pipeline = new RpcPipeline([.. InterceptorsOf<TService>(services)]);
        var canUseFastPath = IsTranscodingAsExpected<TService>(services);
        service.Add(endpoint =>
        {
            if (endpoint is RouteEndpointBuilder { RequestDelegate: { } served } route
                && route.Metadata.OfType<GrpcMethodMetadata>().SingleOrDefault() is { } grpc
                && table.FindLocal(grpc.Method.FullName.AsSpan(1)) is { } rpc)
            {
                var rule = route.Metadata.OfType<GrpcJsonTranscodingMetadata>().SingleOrDefault()?.HttpRule;
                route.RequestDelegate = rpc.Rpc switch
                {
                    _ when rpc.IsInternal => InternalRpc.RefuseAsync,
                    { IsServerStreaming: true } when rule is not null => WithServerSentEvents(served),
                    _ when rule is not null => WithFastPath(rpc, rule, route, served),
                    { IsClientStreaming: false } when !HasRule(rpc.Rpc) => WithJson(rpc.Rpc, served),
                    _ => served,
                };
            }
        });

        RequestDelegate WithJson(MethodDescriptor rpc, RequestDelegate grpc)
        {
            RequestDelegate json = new RpcEndpoint(rpc, services.GetRequiredService<MessageShapes>(), pipeline, logger).HandleAsync;
            json = rpc.IsServerStreaming ? WithServerSentEvents(json) : json;
            return http => RpcEndpoint.IsJson(http.Request) ? json(http) : grpc(http);
        }

        RequestDelegate WithServerSentEvents(RequestDelegate lines) => new ServerSentEvents(lines, keepAlive, time).HandleAsync;

        RequestDelegate WithFastPath(LocalRpc rpc, HttpRule rule, RouteEndpointBuilder route, RequestDelegate transcoding) =>
            canUseFastPath && RestBinding.TryCreate(rpc, rule, route.RoutePattern) is { } binding
                ? new RestFastPath(binding, calls, services.GetRequiredService<MemoryLimit>(), transcoding).HandleAsync
                : transcoding;
    }

    private static bool HasRule(MethodDescriptor rpc) => rpc.GetOptions()?.GetExtension(AnnotationsExtensions.Http) is not null;

    private static IEnumerable<InterceptorRegistration> InterceptorsOf<TService>(IServiceProvider services)
        where TService : class =>
        services.GetRequiredService<IOptions<GrpcServiceOptions>>().Value.Interceptors
            .Concat(services.GetRequiredService<IOptions<GrpcServiceOptions<TService>>>().Value.Interceptors);

    /// <summary>Whether the service has no other interceptors, and JSON looks as usual.</summary>
    private static bool IsTranscodingAsExpected<TService>(IServiceProvider services)
        where TService : class =>
        InterceptorsOf<TService>(services).All(interceptor => interceptor.Type == typeof(RpcInterceptor))
        && services.GetRequiredService<IOptions<GrpcJsonTranscodingOptions>>().Value.JsonSettings is
        {
            WriteInt64sAsStrings: true, IgnoreDefaultValues: false, WriteEnumsAsIntegers: false, WriteIndented: false, PropertyNameCaseInsensitive: false, RemoveEnumPrefix: false,
        };
}
