using System.Collections;
using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Lattices;

namespace CloudState.Knative;

/// <summary>A map whose entries all have the same type. For entries of several types there is <see cref="OrMap{TKey}"/>.</summary>
/// <remarks>
/// The map may be changed while it is enumerated, which the enumeration does not see. At most 20 maps can be in one another. Another revision of the service,
/// with another type, may have added an entry: reading or changing its value throws an <see cref="InvalidOperationException"/> until the entry is removed.
/// </remarks>
/// <example>
/// <code>
/// var stock = new OrMap&lt;string, PNCounter&gt;();
/// stock["apples"].Increment(5); // adds the entry
/// stock.Remove("apples");
/// </code>
/// </example>
/// <typeparam name="TKey">The type of the keys, one that <see cref="CrdtMap{TKey}"/> lists.</typeparam>
/// <typeparam name="TCrdt">The type of the values, for example <see cref="PNCounter"/>, or again a map.</typeparam>
public sealed class OrMap<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] TKey, TCrdt>
    : CrdtMap<TKey>, IReadOnlyCollection<KeyValuePair<TKey, TCrdt>>
    where TKey : notnull
    where TCrdt : Crdt, new()
{
    /// <summary>Makes an empty map that belongs to no entity.</summary>
    /// <exception cref="EntityDefinitionException">Keys cannot be of this type.</exception>
    public OrMap()
    {
    }

    /// <summary>The value of an entry, which need not be there: reading does not add it, the first change of the value does.</summary>
    /// <exception cref="ArgumentException">The key is a text that is no valid UTF-16.</exception>
    public TCrdt this[TKey key] => Bind<TCrdt>(key);

    /// <summary>Adds an entry with an empty value, or keeps the one that is there against concurrent removals; true if it was not there.</summary>
    /// <exception cref="ArgumentException">The key is a text that is no valid UTF-16.</exception>
    /// <exception cref="InvalidOperationException">The entry has another kind, or more than 20 maps would be in one another.</exception>
    public bool Add(TKey key) => Put(key, new TCrdt().Kind);

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<TKey, TCrdt>> GetEnumerator() => Keys.Select(key => KeyValuePair.Create(key, this[key])).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private protected override Crdt NewValue(Kind kind)
    {
        var value = new TCrdt();
        return value.Kind == kind ? value : base.NewValue(kind);
    }
}
