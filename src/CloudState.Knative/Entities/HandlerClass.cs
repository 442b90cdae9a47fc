using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;

namespace CloudState.Knative.Entities;

/// <summary>A class that implements a gRPC service with a public method for each rpc. Whatever is wrong with it is found here, at start-up.</summary>
/// <remarks>
/// A handler is named like its rpc, or has an <see cref="RpcAttribute"/>. Names such as <c>Apply</c> and <c>Restore</c> have a meaning of their own, but
/// rpcs may be called so: a method that takes the input of the rpc of its name and returns something is its handler, whatever it is called.
/// </remarks>
internal sealed class HandlerClass
{
    private readonly HashSet<MethodInfo> _reserved = [];
    private ServiceDescriptor? _service;

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

    /// <summary>Reads the service that the class implements.</summary>
    public ServiceDescriptor Bind([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] Type serviceBase) => _service = ReadService(serviceBase);

    /// <summary>Takes the methods of a name that has a meaning of its own, but for the handler of an rpc that is called so.</summary>
    public MethodInfo[] Reserve(string name)
    {
        var rpc = _service?.FindMethodByName(name);
        var reserved = Array.FindAll(Methods, method => method.Name == name && method.GetCustomAttribute<RpcAttribute>() is null
            && (rpc is null || method.ReturnType == typeof(void) || method.GetParameters() is not [var input, ..] || input.ParameterType != rpc.InputType.ClrType));
        _reserved.UnionWith(reserved);
        return reserved;
    }

    /// <summary>The only method for the rpc.</summary>
    /// <param name="rpc">The rpc.</param>
    /// <param name="signature">What to write, for messages.</param>
    public MethodInfo FindHandler(MethodDescriptor rpc, string signature)
    {
        var handlers = Methods.Where(method => RpcNameOf(method) == rpc.Name && !_reserved.Contains(method)).ToArray();
        return handlers is [var handler]
            ? handler
            : throw Wrong(handlers.Length == 0
                ? $"has no handler for the rpc {rpc.FullName}. Add: {signature}{OtherName(rpc)}"
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
    public void RejectStrayHandlers()
    {
        if (Array.Find(Methods, method => method.IsDefined(typeof(RpcAttribute)) && FindRpc(method) is null) is { } unbound)
        {
            throw Wrong($"has [Rpc(\"{RpcNameOf(unbound)}\")] on the method {unbound.Name}, but {_service!.FullName} has no rpc of that name. Name one that it has.");
        }

        var stray = Array.Find(Methods, method =>
            !_reserved.Contains(method)
            && method.GetParameters() is [var first, ..] && typeof(IMessage).IsAssignableFrom(first.ParameterType)
            && FindRpc(method) is null);
        if (stray is not null)
        {
            throw Wrong($"has a public method {stray.Name} that takes a message, but {_service!.FullName} has no rpc of that name. Add the rpc, rename the method, name it Apply if it handles an event, or make it private.");
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

    private static string RpcNameOf(MethodInfo method) => method.GetCustomAttribute<RpcAttribute>()?.Name ?? method.Name;

    private MethodDescriptor? FindRpc(MethodInfo method) => _service!.FindMethodByName(RpcNameOf(method));

    /// <summary>The way out where the name of the rpc is taken.</summary>
    private string OtherName(MethodDescriptor rpc) => rpc.Name == Type.Name || Methods.Any(method => method.Name == rpc.Name)
        ? $", or, because the name is taken, a method of another name with [Rpc(\"{rpc.Name}\")] above it"
        : "";

    public EntityDefinitionException Wrong(string what) => new($"{Type.FullName} {what}");

    [UnconditionalSuppressMessage("Trimming", "IL2072", Justification = "The generated base class, all of which is kept, refers to this property through its own attribute.")]
    private static ServiceDescriptor ServiceDescriptorOf(BindServiceMethodAttribute binding) =>
        (ServiceDescriptor)binding.BindType.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static)!.GetValue(null)!;
}
