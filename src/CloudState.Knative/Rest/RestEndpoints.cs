using CloudState.Knative.Entities;
using CloudState.Knative.Grpc;
using CloudState.Knative.Routing;
using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Grpc.JsonTranscoding;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace CloudState.Knative.Rest;

/// <summary>Puts a <see cref="RestEndpoint"/> before the endpoints that JSON transcoding has made of a service, where that changes nothing but the time it takes.</summary>
internal static class RestEndpoints
{
    public static void Quicken<TService>(this GrpcServiceEndpointConventionBuilder service, IServiceProvider services)
        where TService : class
    {
        if (!IsTranscodingAsExpected<TService>(services))
        {
            return;
        }

        var definitions = services.GetRequiredService<EntityDefinitions>();
        var calls = services.GetRequiredService<ServiceCalls>();
        service.Add(endpoint =>
        {
            if (endpoint is RouteEndpointBuilder { RequestDelegate: { } transcoding } route
                && route.Metadata.OfType<GrpcJsonTranscodingMetadata>().SingleOrDefault() is { } metadata
                && definitions.Find($"{metadata.MethodDescriptor.Service.FullName}/{metadata.MethodDescriptor.Name}") is var (entity, command)
                && RestBinding.TryCreate(entity, command, metadata.HttpRule, route.RoutePattern) is { } binding)
            {
                endpoint.RequestDelegate = new RestEndpoint(binding, calls, transcoding).HandleAsync;
            }
        });
    }

    /// <summary>Whether nobody has added interceptors of his own, or changed how JSON looks.</summary>
    private static bool IsTranscodingAsExpected<TService>(IServiceProvider services)
        where TService : class =>
        services.GetRequiredService<IOptions<GrpcServiceOptions>>().Value.Interceptors.Count == 0
        && services.GetRequiredService<IOptions<GrpcServiceOptions<TService>>>().Value.Interceptors.All(interceptor => interceptor.Type == typeof(CommandInterceptor))
        && services.GetRequiredService<IOptions<GrpcJsonTranscodingOptions>>().Value.JsonSettings is
        {
            WriteInt64sAsStrings: true, IgnoreDefaultValues: false, WriteEnumsAsIntegers: false, WriteIndented: false, PropertyNameCaseInsensitive: false, RemoveEnumPrefix: false,
        };
}
