namespace CloudState.Knative.Lattices;

/// <summary>
/// Values by the dot of the delta that wrote them. A dot that is in the context of a state and not in its map was removed: that is what makes
/// removal possible without tombstones (the dot stores of Almeida, Shoker, Baquero, "Delta state replicated data types", 2016).
/// <para>
/// Example of a join. Mine: {1.3: a, 2.1: b}, having seen 1.3 and 2.1. Theirs: {2.1: b, 2.2: c}, having seen 1.3 and 2.2. They have seen 1.3 and do
/// not hold it, so it was removed; I have not seen 2.2, so it is new: {2.1: b, 2.2: c}.
/// </para>
/// </summary>
internal readonly record struct DotMap<TValue> : IDots
{
    // Sorted by dot; null when empty.
    private readonly KeyValuePair<Dot, TValue>[]? _pairs;

    private DotMap(KeyValuePair<Dot, TValue>[] pairs) => _pairs = pairs.Length == 0 ? null : pairs;

    public bool IsEmpty => _pairs is null;

    public ReadOnlySpan<KeyValuePair<Dot, TValue>> Pairs => _pairs;

    public bool Contains(Dot dot) => IndexOf(dot) >= 0;

    /// <summary>Whether this dot is there and no other.</summary>
    public bool IsOnly(Dot dot) => _pairs is [var single] && single.Key == dot;

    public TValue? Find(Dot dot)
    {
        var index = IndexOf(dot);
        return index < 0 ? default : _pairs![index].Value;
    }

    public DotMap<TValue> Where(Func<Dot, bool> isKept)
    {
        if (_pairs is null || Array.TrueForAll(_pairs, pair => isKept(pair.Key)))
        {
            return this;
        }

        return new(Array.FindAll(_pairs, pair => isKept(pair.Key)));
    }

    /// <summary>Without what the delta's author had seen.</summary>
    public DotMap<TValue> Without(Stamp stamp) => Where(dot => !stamp.Covers(dot));

    public DotMap<TValue> With(Dot dot, TValue value)
    {
        var pair = KeyValuePair.Create(dot, value);
        if (_pairs is null)
        {
            return new([pair]);
        }

        var index = IndexOf(dot);
        return index < 0
            ? new([.. _pairs[..~index], pair, .. _pairs[~index..]])
            : new([.. _pairs[..index], pair, .. _pairs[(index + 1)..]]);
    }

    /// <summary>What neither of two states has removed.</summary>
    /// <param name="other">The map in the other state.</param>
    /// <param name="mine">What the state of this map has seen.</param>
    /// <param name="theirs">What the other state has seen.</param>
    /// <param name="merge">Joins the two values of one dot.</param>
    public DotMap<TValue> Join(DotMap<TValue> other, Context mine, Context theirs, Func<TValue, TValue, TValue> merge)
    {
        var joined = Where(dot => other.Contains(dot) || !theirs.Contains(dot));
        foreach (var (dot, value) in other.Pairs)
        {
            var index = IndexOf(dot);
            if (index >= 0)
            {
                var (current, merged) = (_pairs![index].Value, merge(_pairs[index].Value, value));
                joined = EqualityComparer<TValue>.Default.Equals(current, merged) ? joined : joined.With(dot, merged);
            }
            else if (!mine.Contains(dot))
            {
                joined = joined.With(dot, value);
            }
        }

        return joined;
    }

    private int IndexOf(Dot dot) => Pairs.BinarySearch(new ByDot(dot));

    private readonly struct ByDot(Dot dot) : IComparable<KeyValuePair<Dot, TValue>>
    {
        public int CompareTo(KeyValuePair<Dot, TValue> other) => dot.CompareTo(other.Key);
    }
}
