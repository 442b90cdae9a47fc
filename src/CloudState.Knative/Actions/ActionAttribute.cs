using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Entities;

namespace CloudState.Knative;

/// <summary>Binds a class of stateless functions to its gRPC service. Use <see cref="ActionAttribute{TService}"/>.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public abstract class ActionAttribute : Attribute
{
    private protected ActionAttribute()
    {
    }

    /// <summary>
    /// The services whose rpcs the handlers call by effects and forwards, by their generated base classes. When given, the start fails unless each is implemented in this
    /// service or added with <c>AddServiceClient</c>; otherwise a missing one fails the first call that is for it.
    /// </summary>
    /// <value>Default: empty, not checked.</value>
    public Type[] Calls { get; init; } = [];

    /// <summary>Whether the handlers set timers. They are kept by entities of a type of their own, which each pod takes its share of.</summary>
    /// <value>Default: false; <see cref="CallContext.Timers"/> fails.</value>
    public bool UsesTimers { get; init; }

    /// <summary>The base class that the protobuf compiler generated for the service.</summary>
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)]
    internal abstract Type ServiceBase { get; }

    internal abstract void Accept(IServiceVisitor visitor);
}

/// <summary>
/// Makes a class of stateless functions the implementation of a gRPC service. It has a public method for each rpc, which takes the rpc's input and, when it wants it, an
/// <see cref="ActionContext"/>: a message, or for a streamed input an <see cref="IAsyncEnumerable{T}"/> of messages; and returns the output: a message, plain or in a
/// <see cref="Task{TResult}"/> or <see cref="ValueTask{TResult}"/>, or for a streamed output an <see cref="IAsyncEnumerable{T}"/> of messages.
/// </summary>
/// <remarks>An action has no key and no state, runs in the pod that the call comes to, and many at a time. Each call has an instance of its own, whose dependencies come through the constructor.</remarks>
/// <typeparam name="TService">The service's generated base class, for example <c>Checkout.CheckoutBase</c>.</typeparam>
public sealed class ActionAttribute<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TService> : ActionAttribute
    where TService : class
{
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)]
    internal override Type ServiceBase => typeof(TService);

    internal override void Accept(IServiceVisitor visitor) => visitor.Visit<TService>();
}
