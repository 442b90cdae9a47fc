namespace CloudState.Knative;

/// <summary>
/// For a stored type that was renamed and has kept its shape. On an event handler (<c>Apply</c>, <c>Upcast</c>) or on <c>Restore</c>: what was stored under this name is of the type that
/// the method takes; on a value entity class: of the type of its state.
/// </summary>
/// <param name="name">What the store calls the type: the full name of a message, <c>json.cloudstate.io/…</c> with the full name of a class.</param>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class, AllowMultiple = true)]
public sealed class FormerNameAttribute(string name) : Attribute
{
    /// <summary>The name in the store.</summary>
    public string Name { get; } = name;
}
