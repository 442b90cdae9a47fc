using System.Diagnostics.CodeAnalysis;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace CloudState.Knative.Grpc;

/// <summary>gRPC services that are mapped when they are called first: to map one takes milliseconds, of every start.</summary>
internal static class LateGrpcServices
{
    /// <summary>Routes the rpcs of a service to what <paramref name="map"/> maps.</summary>
    /// <param name="app">The application.</param>
    /// <param name="service">The full name of the service.</param>
    /// <param name="generated">Its generated base class, by which gRPC's reflection finds the description.</param>
    /// <param name="rpcs">The names of its rpcs.</param>
    /// <param name="map">Maps the service.</param>
    public static void MapLate(
        this WebApplication app, string service,
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.PublicMethods | DynamicallyAccessedMemberTypes.NonPublicMethods)] Type generated,
        string[] rpcs, Action<IEndpointRouteBuilder> map)
    {
        var endpoints = new Lazy<Endpoints>(() =>
        {
            var mapped = new Endpoints(app);
            map(mapped);
            return mapped;
        });
        foreach (var rpc in rpcs)
        {
            var path = $"/{service}/{rpc}";
            app.MapPost(path, (RequestDelegate)CallAsync).WithMetadata(new GrpcMethodMetadata(generated, new Rpc(service, rpc)));

            Task CallAsync(HttpContext http)
            {
                var endpoint = endpoints.Value.Find(path);
                http.SetEndpoint(endpoint);
                return endpoint.RequestDelegate!(http);
            }
        }
    }

    private sealed class Endpoints(WebApplication app) : IEndpointRouteBuilder
    {
        public IServiceProvider ServiceProvider => app.Services;

        public ICollection<EndpointDataSource> DataSources { get; } = [];

        public IApplicationBuilder CreateApplicationBuilder() => ((IApplicationBuilder)app).New();

        public Endpoint Find(string path) => DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>().First(endpoint => endpoint.RoutePattern.RawText == path);
    }

    private sealed record Rpc(string ServiceName, string Name) : IMethod
    {
        public MethodType Type => MethodType.Unary;

        public string FullName => $"/{ServiceName}/{Name}";
    }
}
