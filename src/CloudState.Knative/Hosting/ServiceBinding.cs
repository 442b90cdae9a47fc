using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Entities;
using CloudState.Knative.Grpc;
using CloudState.Knative.Rest;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.Hosting;

/// <summary>Serves a gRPC service whose calls <see cref="RpcInterceptor"/> answers.</summary>
internal static class ServiceBinding
{
    /// <summary>Adds a service.</summary>
    public sealed class Adding(IServiceCollection services) : IServiceVisitor
    {
        public void Visit<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TService>()
            where TService : class =>
            services.AddGrpc().AddServiceOptions<TService>(options => options.Interceptors.Add<RpcInterceptor>());
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
