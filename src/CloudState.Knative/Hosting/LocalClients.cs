using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using CloudState.Knative.Dispatch;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace CloudState.Knative.Hosting;

/// <summary>Generated clients of the service's own rpcs, for constructors.</summary>
internal static class LocalClients
{
    /// <summary>Adds the client of a service, if the protobuf compiler has generated one and <c>AddServiceClient</c> has not added it.</summary>
    /// <param name="services">Of the application.</param>
    /// <param name="serviceBase">The generated base class of the service.</param>
    public static void AddLocalClient(this IServiceCollection services, Type serviceBase)
    {
        if (FindClient(serviceBase) is { } client)
        {
            services.TryAddSingleton(client, provider => Create(client, provider.GetRequiredService<LocalInvoker>()));
            services.AddSingleton(new LocalClient(client));
        }
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "The assembly of the generated code is kept: see CloudState.Knative.targets.")]
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "The assembly of the generated code is kept: see CloudState.Knative.targets.")]
    private static Type? FindClient(Type serviceBase) => Array.Find(
        serviceBase.GetCustomAttribute<BindServiceMethodAttribute>()!.BindType.GetNestedTypes(), type => type.IsSubclassOf(typeof(ClientBase)));

    [UnconditionalSuppressMessage("Trimming", "IL2067", Justification = "The assembly of the generated code is kept: see CloudState.Knative.targets.")]
    private static object Create(Type client, CallInvoker invoker) => Activator.CreateInstance(client, invoker)!;
}

/// <summary>The generated client of a service that a class of this process implements.</summary>
internal sealed record LocalClient(Type Client);
