using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Lattices;

namespace CloudState.Knative;

/// <summary>A set that only grows. It is smaller than an <see cref="ORSet{T}"/> and cannot lose an element.</summary>
/// <example>
/// <code>
/// var readers = new GSet&lt;string&gt;();
/// readers.Add("ada"); // true
/// readers.Add("ada"); // false: it is there
/// </code>
/// </example>
/// <inheritdoc cref="CrdtSet{T}" path="/typeparam"/>
public sealed class GSet<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] T> : CrdtSet<T>
    where T : notnull
{
    /// <summary>Makes an empty set that belongs to no entity.</summary>
    /// <exception cref="EntityDefinitionException">Elements cannot be of this type.</exception>
    public GSet()
        : base(Kind.GSet)
    {
    }
}
