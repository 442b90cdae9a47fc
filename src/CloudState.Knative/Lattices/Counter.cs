namespace CloudState.Knative.Lattices;

/// <summary>
/// A GCounter or a PNCounter: amounts by dot; its value is their sum. A seat writes only dots of its own, and sums them up so that they do not
/// become more with each delta.
/// <para>
/// A counter of its own is never reset, so one dot for each seat will do: {1.3: 7}, increased by 2, is {1.4: 9}. In a map, the removal of the entry
/// has to take away exactly the increments that it has seen. A removal that has seen 1.3 and not 1.4 would find only 9 there, and 7 would come back
/// (Baquero, Almeida, Lerche, "The problem with embedded CRDT counters and a solution", 2016). No bounded state can tell such increments apart for
/// ever. So a counter in a map keeps the latest <see cref="DotsInMap"/> deltas of each seat apart: {1.3: 7, 1.4: 2}, of which that removal leaves
/// {1.4: 2}. The oldest one is added to the one after it. An increment comes back only if the removal missed as many later ones of the same seat and
/// counter.
/// </para>
/// </summary>
internal sealed class Counter(Kind kind, DotMap<Amount> dots) : Content
{
    public const int DotsInMap = 16;

    public override Kind Kind => kind;

    public override bool IsEmpty => Dots.IsEmpty;

    public DotMap<Amount> Dots { get; } = dots;

    /// <summary>The exact sum, which concurrent changes may take beyond 64 bits.</summary>
    public Int128 Value
    {
        get
        {
            Int128 sum = 0;
            foreach (var (_, amount) in Dots.Pairs)
            {
                sum += amount.Value;
            }

            return sum;
        }
    }

    /// <summary>Null if the amount is 0.</summary>
    /// <exception cref="InvalidOperationException">A GCounter cannot be decreased.</exception>
    /// <exception cref="OverflowException">The sum of the seat's increments, or of its decrements, needs more than 64 bits.</exception>
    public CounterChange? Add(Amount amount, Stamp stamp)
    {
        if (kind == Kind.GCounter && amount.Minus != 0)
        {
            throw new InvalidOperationException($"A GCounter cannot be decreased by {amount.Minus}. Use a PNCounter.");
        }

        if (amount == default)
        {
            return null;
        }

        var dots = Dots.Where(dot => dot.Seat == stamp.Dot.Seat);
        var before = dots;
        dots = dots.With(stamp.Dot, dots.Find(stamp.Dot) + amount);
        while (dots.Pairs.Length > (stamp.Depth == 0 ? 1 : DotsInMap))
        {
            var (oldest, next) = (dots.Pairs[0], dots.Pairs[1]);
            dots = dots.With(next.Key, oldest.Value + next.Value).Where(dot => dot != oldest.Key);
        }

        var changed = dots.Where(dot => dots.Find(dot) != before.Find(dot));
        return new(kind, dots.Pairs[0].Key.Number, [.. changed.Pairs.ToArray().Select(pair => (pair.Key.Number, pair.Value))]);
    }

    public override Counter Apply(Change change, Stamp stamp)
    {
        var (own, counterChange) = (stamp.Dot, (CounterChange)change);
        var dots = Dots.Where(dot => dot.Seat != own.Seat || dot.Number >= counterChange.First);
        foreach (var (number, amount) in counterChange.Amounts)
        {
            // An earlier dot that is not there any more was reset by a concurrent delta.
            var dot = own with { Number = number };
            if (dot == own || dots.Contains(dot))
            {
                dots = dots.With(dot, Amount.Later(dots.Find(dot), amount));
            }
        }

        return new(kind, dots);
    }

    public override Counter Reset(Stamp stamp) => new(kind, Dots.Without(stamp));

    public override Counter Join(Content other, Context mine, Context theirs) =>
        new(kind, Dots.Join(((Counter)other).Dots, mine, theirs, Amount.Later));
}
