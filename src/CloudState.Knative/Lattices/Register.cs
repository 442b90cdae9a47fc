using Google.Protobuf;

namespace CloudState.Knative.Lattices;

/// <summary>A value that was set, and its clock.</summary>
internal readonly record struct RegisterValue(long Clock, ByteString Value);

/// <summary>
/// Last writer wins: of concurrent values that with the highest clock, then that of the highest seat. The others stay beside it, one for each seat at
/// most, until a set has seen them: the removal of a map's entry may have seen only the winner.
/// </summary>
internal sealed class Register(DotMap<RegisterValue> dots) : Content
{
    public override Kind Kind => Kind.LwwRegister;

    public override bool IsEmpty => Dots.IsEmpty;

    public DotMap<RegisterValue> Dots { get; } = dots;

    /// <summary>Null if it was never set.</summary>
    public ByteString? Value => IsEmpty ? null : Winner.Value.Value;

    private KeyValuePair<Dot, RegisterValue> Winner
    {
        get
        {
            var winner = Dots.Pairs[0];
            foreach (var pair in Dots.Pairs)
            {
                // Sorted by seat.
                winner = pair.Value.Clock >= winner.Value.Clock ? pair : winner;
            }

            return winner;
        }
    }

    /// <summary>Null if the value loses against that which is there: its clock is lower, or the same and its seat is lower.</summary>
    /// <param name="value">The new value.</param>
    /// <param name="clock">How the clock of the value comes about.</param>
    /// <param name="time">The caller's time, or its own clock.</param>
    /// <param name="stamp">Of the delta.</param>
    public RegisterChange? Set(ByteString value, RegisterClock clock, long time, Stamp stamp)
    {
        if (IsEmpty)
        {
            return new(new(clock.Tick(time, current: null), value));
        }

        var (dot, current) = Winner;
        var next = new RegisterValue(clock.Tick(time, current.Clock), value);
        return (next.Clock, stamp.Dot.Seat).CompareTo((current.Clock, dot.Seat)) < 0 ? null : new(next);
    }

    public override Register Apply(Change change, Stamp stamp) => new(Dots.Without(stamp).With(stamp.Dot, ((RegisterChange)change).Value));

    public override Register Reset(Stamp stamp) => new(Dots.Without(stamp));

    public override Register Join(Content other, Context mine, Context theirs) =>
        new(Dots.Join(((Register)other).Dots, mine, theirs, static (value, _) => value));
}

internal sealed class RegisterChange(RegisterValue value) : Change
{
    public override Kind Kind => Kind.LwwRegister;

    public RegisterValue Value => value;

    public override Change Compose(Change next) => next;
}
