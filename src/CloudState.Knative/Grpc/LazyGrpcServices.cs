using System.Diagnostics.CodeAnalysis;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace CloudState.Knative.Grpc;

/// <summary>gRPC services that are mapped, all at once, when one of them is called first: to map them takes milliseconds, of every start.</summary>
internal static class LazyGrpcServices
{
    // gRPC's own list of what is mapped is not made for several threads.
    private static readonly Lock Mapping = new();

    /// <summary>Routes the rpcs of services to what <paramref name="map"/> maps.</summary>
    public static IEnumerable<IEndpointConventionBuilder> MapLazily(
        this IEndpointRouteBuilder app, Action<IEndpointRouteBuilder> map, params IEnumerable<LazyGrpcService> services)
    {
        var endpoints = new Lazy<Dictionary<string, RouteEndpoint>>(() =>
        {
            lock (Mapping)
            {
                var routes = new Routes(app);
                map(routes);
                return routes.DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
                    .DistinctBy(endpoint => endpoint.RoutePattern.RawText).ToDictionary(endpoint => endpoint.RoutePattern.RawText!);
            }
        });
        var mapped = new List<IEndpointConventionBuilder>();
        foreach (var service in services)
        {
            foreach (var rpc in service.Rpcs)
            {
                var path = $"/{service.Name}/{rpc}";
                mapped.Add(app.MapPost(path, (RequestDelegate)CallAsync).WithMetadata(new GrpcMethodMetadata(service.Generated, new Rpc(service.Name, rpc))));

                Task CallAsync(HttpContext http)
                {
                    var endpoint = endpoints.Value[path];
                    http.SetEndpoint(endpoint);
                    return endpoint.RequestDelegate!(http);
                }
            }
        }

        return mapped;
    }

    private sealed class Routes(IEndpointRouteBuilder app) : IEndpointRouteBuilder
    {
        public IServiceProvider ServiceProvider => app.ServiceProvider;

        public ICollection<EndpointDataSource> DataSources { get; } = [];

        public IApplicationBuilder CreateApplicationBuilder() => app.CreateApplicationBuilder();
    }

    private sealed record Rpc(string ServiceName, string Name) : IMethod
    {
        public MethodType Type => MethodType.Unary;

        public string FullName => $"/{ServiceName}/{Name}";
    }
}

/// <param name="Name">The full name of the service.</param>
/// <param name="Generated">Its generated base class, by which gRPC's reflection finds the description.</param>
/// <param name="Rpcs">The names of its rpcs.</param>
internal sealed record LazyGrpcService(
    string Name,
    [property: DynamicallyAccessedMembers(LazyGrpcService.Described)]
    [param: DynamicallyAccessedMembers(LazyGrpcService.Described)]
    Type Generated,
    params string[] Rpcs)
{
    private const DynamicallyAccessedMemberTypes Described =
        DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.PublicMethods | DynamicallyAccessedMemberTypes.NonPublicMethods;
}
