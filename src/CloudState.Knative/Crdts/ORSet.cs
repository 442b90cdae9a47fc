using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Lattices;

namespace CloudState.Knative;

/// <summary>
/// A set whose elements come and go. A removal takes what its process has seen: an element that another process adds concurrently, also again, stays.
/// </summary>
/// <example>
/// <code>
/// var tags = new ORSet&lt;string&gt;();
/// tags.Add("new");
/// tags.Remove("new"); // true; tags.Count is 0
/// </code>
/// </example>
/// <inheritdoc cref="CrdtSet{T}" path="/typeparam"/>
public sealed class ORSet<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] T> : CrdtSet<T>
    where T : notnull
{
    /// <summary>Makes an empty set that belongs to no entity.</summary>
    /// <exception cref="EntityDefinitionException">Elements cannot be of this type.</exception>
    public ORSet()
        : base(Kind.ORSet)
    {
    }

    /// <summary>Removes an element; false if it is not there.</summary>
    /// <exception cref="ArgumentException">The element is a text that is no valid UTF-16.</exception>
    public bool Remove(T element) => RemoveElement(element);

    /// <summary>Removes all elements that this process has seen.</summary>
    public void Clear() => Site.Change<ElementSet>((set, _) => set.Clear());
}
