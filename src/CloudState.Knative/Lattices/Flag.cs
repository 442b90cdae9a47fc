namespace CloudState.Knative.Lattices;

/// <summary>Off, until it is switched on. Only the removal of the map's entry around it switches it off again, as far as it has seen it on.</summary>
internal sealed class Flag(DotMap<Presence> dots) : Content
{
    public override Kind Kind => Kind.Flag;

    public override bool IsEmpty => Dots.IsEmpty;

    public DotMap<Presence> Dots { get; } = dots;

    public bool IsOn => !Dots.IsEmpty;

    /// <summary>Null if it is on.</summary>
    public FlagChange? Enable() => IsOn ? null : FlagChange.On;

    public override Flag Apply(Change change, Stamp stamp) => new(Dots.Renew(stamp));

    public override Flag Reset(Stamp stamp) => new(Dots.Without(stamp));

    public override Flag Join(Content other, Context mine, Context theirs) => new(Dots.Join(((Flag)other).Dots, mine, theirs));
}

internal sealed class FlagChange : Change
{
    public static readonly FlagChange On = new();

    private FlagChange()
    {
    }

    public override Kind Kind => Kind.Flag;

    public override Change Compose(Change next) => next;
}
