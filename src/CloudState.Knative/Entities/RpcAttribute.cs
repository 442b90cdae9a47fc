namespace CloudState.Knative;

/// <summary>
/// Names the rpc that a method answers, for an rpc whose name the class cannot use: another method has it already with the same parameters, or the
/// class itself. Without it a method answers the rpc of its own name.
/// </summary>
/// <param name="name">The name of the rpc within its service, for example <c>Restore</c>.</param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RpcAttribute(string name) : Attribute
{
    /// <summary>The name of the rpc.</summary>
    public string Name { get; } = name;
}
