using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;

namespace CloudState.Knative.Entities;

/// <summary>A class that implements a gRPC service with a public method for each rpc. Whatever is wrong with it is found here, at start-up.</summary>
internal sealed class HandlerClass
{
    public HandlerClass([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods)] Type type)
    {
        Type = type;
        Methods = [.. type.GetMethods(BindingFlags.Public | BindingFlags.Instance)
            .Where(method => !method.IsSpecialName && method.GetBaseDefinition().DeclaringType != typeof(object))];
    }

    public Type Type { get; }

    public MethodInfo[] Methods { get; }

    /// <summary>The full names of services that the handlers call.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2067", Justification = "Of these base classes only the attribute is read, which is kept with them.")]
    public IReadOnlyList<string> ReadCalls(Type[] serviceBases) => Array.ConvertAll(serviceBases, serviceBase => ReadService(serviceBase).FullName);

    public ServiceDescriptor ReadService([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] Type serviceBase)
    {
        var binding = serviceBase.GetCustomAttribute<BindServiceMethodAttribute>()
            ?? throw Wrong($"names {serviceBase.Name} as its service, which is no generated gRPC base class. Name the class that the protobuf compiler made, such as ShoppingCart.ShoppingCartBase.");
        return ServiceDescriptorOf(binding);
    }

    /// <summary>The only method named like the rpc.</summary>
    /// <param name="rpc">The rpc.</param>
    /// <param name="signature">What to write, for messages.</param>
    public MethodInfo FindHandler(MethodDescriptor rpc, string signature)
    {
        var handlers = Methods.Where(method => method.Name == rpc.Name).ToArray();
        return handlers is [var handler]
            ? handler
            : throw Wrong(handlers.Length == 0
                ? $"has no handler for the rpc {rpc.FullName}. Add: {signature}"
                : $"has {handlers.Length} methods named {rpc.Name}; the rpc {rpc.FullName} needs exactly one. Keep: {signature}");
    }

    /// <summary>Whether a method takes the input, and maybe the context after it.</summary>
    public static bool Takes(MethodInfo handler, Type input, Type context) =>
        handler.GetParameters() is [var first, ..] and { Length: 1 or 2 } parameters && first.ParameterType == input
            && (parameters.Length == 1 || parameters[1].ParameterType == context);

    /// <summary>Whether a method returns a message, plain or in a task.</summary>
    public static bool Returns(MethodInfo handler, Type reply)
    {
        var result = handler.ReturnType;
        return result == reply || (result.IsGenericType
            && result.GetGenericTypeDefinition() is var wrapper && (wrapper == typeof(Task<>) || wrapper == typeof(ValueTask<>))
            && result.GetGenericArguments()[0] == reply);
    }

    /// <summary>Refuses methods that look like handlers but answer no rpc.</summary>
    public void RejectStrayHandlers(ServiceDescriptor service, IReadOnlyList<string> exempt)
    {
        var stray = Array.Find(Methods, method =>
            !exempt.Contains(method.Name)
            && method.GetParameters() is [var first, ..] && typeof(IMessage).IsAssignableFrom(first.ParameterType)
            && service.FindMethodByName(method.Name) is null);
        if (stray is not null)
        {
            throw Wrong($"has a public method {stray.Name} that takes a message, but {service.FullName} has no rpc of that name. Add the rpc, rename the method, name it Apply if it handles an event, or make it private.");
        }
    }

    /// <summary>The type argument of a generic base class.</summary>
    /// <exception cref="EntityDefinitionException">The class does not derive from it.</exception>
    public Type ReadStateType(Type genericBase)
    {
        for (var type = Type.BaseType; type is not null; type = type.BaseType)
        {
            if (type.IsGenericType && type.GetGenericTypeDefinition() == genericBase)
            {
                return type.GetGenericArguments()[0];
            }
        }

        var name = genericBase.Name[..genericBase.Name.IndexOf('`')];
        throw Wrong($"does not derive from {name}<TState>, as its attribute says. Derive from it.");
    }

    public EntityDefinitionException Wrong(string what) => new($"{Type.FullName} {what}");

    [UnconditionalSuppressMessage("Trimming", "IL2072", Justification = "The generated base class, all of which is kept, refers to this property through its own attribute.")]
    private static ServiceDescriptor ServiceDescriptorOf(BindServiceMethodAttribute binding) =>
        (ServiceDescriptor)binding.BindType.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static)!.GetValue(null)!;
}
