namespace CloudState.Knative.Lattices;

/// <summary>
/// All dots that a state has seen. Deltas arrive in causal order, so that the highest number of each seat says it all: a version vector, as small as
/// the number of seats that ever wrote to the key.
/// </summary>
internal sealed class Context
{
    public static readonly Context Empty = new([]);

    // Sorted by seat; no number is 0.
    private readonly Dot[] _highest;

    private Context(Dot[] highest) => _highest = highest;

    public ReadOnlySpan<Dot> Highest => _highest;

    /// <summary>The number of the latest delta of a seat; 0 if there is none.</summary>
    public long this[int seat]
    {
        get
        {
            var index = IndexOf(seat);
            return index < 0 ? 0 : _highest[index].Number;
        }
    }

    public bool Contains(Dot dot) => dot.Number <= this[dot.Seat];

    /// <summary>Whether all dots of the other context are in this one.</summary>
    public bool Covers(Context other) => Array.TrueForAll(other._highest, Contains);

    /// <summary>With the dots of that seat up to this one, and no later one.</summary>
    public Context UpTo(Dot dot)
    {
        var index = IndexOf(dot.Seat);
        return (index < 0, dot.Number) switch
        {
            (true, 0) => this,
            (true, _) => new([.. _highest[..~index], dot, .. _highest[~index..]]),
            (false, 0) => new([.. _highest[..index], .. _highest[(index + 1)..]]),
            (false, _) => new([.. _highest[..index], dot, .. _highest[(index + 1)..]]),
        };
    }

    public Context Join(Context other)
    {
        var joined = this;
        foreach (var dot in other._highest)
        {
            joined = joined.Contains(dot) ? joined : joined.UpTo(dot);
        }

        return joined;
    }

    private int IndexOf(int seat) => Highest.BinarySearch(new BySeat(seat));

    private readonly struct BySeat(int seat) : IComparable<Dot>
    {
        public int CompareTo(Dot other) => seat.CompareTo(other.Seat);
    }
}
