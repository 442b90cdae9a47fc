namespace CloudState.Knative.Lattices;

/// <summary>What a counter was increased and decreased by.</summary>
internal readonly record struct Amount(ulong Plus, ulong Minus)
{
    public Int128 Value => (Int128)Plus - Minus;

    public static Amount Of(long change) => change < 0 ? new(0, (ulong)-(Int128)change) : new((ulong)change, 0);

    /// <exception cref="OverflowException">The sum needs more than 64 bits.</exception>
    public static Amount operator +(Amount one, Amount other) => checked(new(one.Plus + other.Plus, one.Minus + other.Minus));

    /// <summary>Of two amounts at one dot the later one, which includes the other.</summary>
    public static Amount Later(Amount one, Amount other) => new(Math.Max(one.Plus, other.Plus), Math.Max(one.Minus, other.Minus));
}
