namespace CloudState.Knative.Lattices;

/// <summary>The identity of a delta of one key, which all changes of that delta share.</summary>
/// <param name="Seat">The replica that wrote the delta: a small number, leased by one pod at a time.</param>
/// <param name="Number">The number of the delta among those of the seat for this key: from 1, without gaps.</param>
internal readonly record struct Dot(int Seat, long Number) : IComparable<Dot>
{
    public int CompareTo(Dot other) => Seat != other.Seat ? Seat.CompareTo(other.Seat) : Number.CompareTo(other.Number);
}
