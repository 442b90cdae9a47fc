using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Rest;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.Hosting;

/// <summary>
/// Serves a gRPC service whose calls an interceptor answers. The generated base class is only there to describe the service; it is never called.
/// </summary>
internal static class ServiceBinding
{
    public static void Add<TService, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.PublicMethods)] TInterceptor>(IServiceCollection services)
        where TService : class
        where TInterceptor : Interceptor =>
        services.AddGrpc().AddServiceOptions<TService>(options => options.Interceptors.Add<TInterceptor>());

    public static void Map<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TService>(IEndpointRouteBuilder endpoints)
        where TService : class
    {
        var service = endpoints.MapGrpcService<TService>();
        service.EnableGrpcWeb();
        service.AddRest<TService>(endpoints.ServiceProvider);
    }
}
