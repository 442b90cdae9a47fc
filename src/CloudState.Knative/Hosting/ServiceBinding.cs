using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Entities;
using CloudState.Knative.Grpc;
using CloudState.Knative.Rest;
using Grpc.AspNetCore.Server;
using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Grpc.JsonTranscoding;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.Hosting;

/// <summary>Serves a gRPC service whose calls <see cref="RpcInterceptor"/> answers.</summary>
internal static class ServiceBinding
{
    /// <summary>The key of what finds the HTTP rules of services.</summary>
    private static readonly object Transcoding = new();

    /// <summary>Adds JSON transcoding for the services that are added.</summary>
    public static void AddTranscoding(IGrpcServerBuilder grpc, Action<GrpcJsonTranscodingOptions> configure)
    {
        grpc.AddJsonTranscoding(configure);
        var discovery = grpc.Services.Last(service => service.ServiceType == typeof(IServiceMethodProvider<>));
        grpc.Services.AddKeyedSingleton(typeof(IServiceMethodProvider<>), Transcoding, discovery.ImplementationType!);
    }

    /// <summary>Adds a service.</summary>
    public sealed class Adding(IServiceCollection services) : IServiceVisitor
    {
        public void Visit<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TService>()
            where TService : class
        {
            services.AddGrpc().AddServiceOptions<TService>(options => options.Interceptors.Add<RpcInterceptor>());

            // The list as a whole, without gRPC's own discovery: that would add the same rpcs once more.
            services.AddSingleton<IEnumerable<IServiceMethodProvider<TService>>>(provider =>
            [
                ActivatorUtilities.CreateInstance<RpcMethods<TService>>(provider),
                provider.GetRequiredKeyedService<IServiceMethodProvider<TService>>(Transcoding),
            ]);
        }
    }

    /// <summary>Maps services: gRPC, gRPC-Web and REST.</summary>
    /// <param name="endpoints">Where they are mapped.</param>
    /// <param name="keepAlive">How often a comment goes out on a quiet stream of Server-Sent Events.</param>
    public sealed class Mapping(IEndpointRouteBuilder endpoints, TimeSpan keepAlive) : IServiceVisitor
    {
        private readonly List<IEndpointConventionBuilder> _mapped = [];

        public IReadOnlyList<IEndpointConventionBuilder> Mapped => _mapped;

        public void Visit<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TService>()
            where TService : class
        {
            var service = endpoints.MapGrpcService<TService>();
            service.EnableGrpcWeb();
            service.AddRest<TService>(endpoints.ServiceProvider, keepAlive);
            _mapped.Add(service);
        }
    }
}
