using System.Reflection;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.Hosting;

/// <summary>An entity or action class, of which instances are made when commands or calls come: what their constructor takes is looked for at start.</summary>
/// <param name="Class">The class.</param>
/// <param name="Constructors">Its public constructors.</param>
internal sealed record ConstructedClass(Type Class, ConstructorInfo[] Constructors)
{
    /// <param name="services">The container.</param>
    /// <param name="localClients">The clients of the service's own rpcs.</param>
    /// <exception cref="EntityDefinitionException">The container cannot make an instance.</exception>
    public void Check(IServiceProvider services, IReadOnlyCollection<Type> localClients)
    {
        var constructor = Array.Find(Constructors, made => made.IsDefined(typeof(ActivatorUtilitiesConstructorAttribute), inherit: false)) ?? Constructors[0];
        foreach (var parameter in constructor.GetParameters())
        {
            if (Class.IsSubclassOf(typeof(Entity)) && localClients.Contains(parameter.ParameterType))
            {
                throw Wrong(parameter, "An entity that waits for another one can wait for ever, because that may wait for it. " +
                    "Call the rpc with context.Call, CallAndWait or ReplyFrom, or let an action call both entities.");
            }

            if (!parameter.HasDefaultValue && !IsKnown(parameter, services))
            {
                throw Wrong(parameter, parameter.ParameterType.IsSubclassOf(typeof(ClientBase))
                    ? "Nothing says which service that calls. Register the class that implements it with AddEntity or AddAction, or another service with AddServiceClient."
                    : "It is not registered. Add it to builder.Services.");
            }
        }
    }

    private static bool IsKnown(ParameterInfo parameter, IServiceProvider services) =>
        parameter.GetCustomAttribute<FromKeyedServicesAttribute>() is { } keyed
            ? services.GetService<IServiceProviderIsKeyedService>()?.IsKeyedService(parameter.ParameterType, keyed.Key) is not false
            : services.GetService<IServiceProviderIsService>()?.IsService(parameter.ParameterType) is not false;

    private EntityDefinitionException Wrong(ParameterInfo parameter, string cure) =>
        new($"The constructor of {Class.FullName} takes the {parameter.ParameterType.Name} '{parameter.Name}'. {cure}");
}
