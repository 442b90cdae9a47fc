using System.Diagnostics.CodeAnalysis;

namespace CloudState.Knative;

/// <summary>A map whose entries have several types. If all have the same, <see cref="OrMap{TKey, TCrdt}"/> says so.</summary>
/// <example>
/// <code>
/// var profile = new OrMap&lt;string&gt;();
/// profile.Get&lt;LwwRegister&lt;string&gt;&gt;("name").Set("Ada"); // adds the entry
/// profile.Get&lt;ORSet&lt;string&gt;&gt;("tags").Add("new");
/// </code>
/// </example>
/// <inheritdoc cref="CrdtMap{TKey}" path="/typeparam"/>
public sealed class OrMap<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] TKey> : CrdtMap<TKey>
    where TKey : notnull
{
    /// <summary>Makes an empty map that belongs to no entity.</summary>
    /// <exception cref="EntityDefinitionException">Keys cannot be of this type.</exception>
    public OrMap()
    {
    }

    /// <summary>
    /// The value of an entry, which need not be there: reading does not add it, the first change of the value does. If the entry has another kind, reading or
    /// changing the value throws an <see cref="InvalidOperationException"/>.
    /// </summary>
    /// <typeparam name="TCrdt">The type of the value.</typeparam>
    /// <exception cref="ArgumentException">The key is a text that is no valid UTF-16.</exception>
    public TCrdt Get<TCrdt>(TKey key)
        where TCrdt : Crdt, new() => Bind<TCrdt>(key);

    /// <summary>Adds an entry with an empty value, or keeps the one that is there against concurrent removals; true if it was not there.</summary>
    /// <typeparam name="TCrdt">The type of the value.</typeparam>
    /// <exception cref="ArgumentException">The key is a text that is no valid UTF-16.</exception>
    /// <exception cref="InvalidOperationException">The entry has another kind, or more than 20 maps would be in one another.</exception>
    public bool Add<TCrdt>(TKey key)
        where TCrdt : Crdt, new() => Put(key, new TCrdt().Kind);
}
