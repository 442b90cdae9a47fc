namespace CloudState.Knative.Lattices;

/// <summary>What a member voted.</summary>
internal readonly record struct Ballot(Guid Member, bool IsYes);

/// <summary>A vote of each member. Those of members that have ended do not count, and are replaced by the next member that has their seat.</summary>
internal sealed class Vote(DotMap<Ballot> dots) : Content
{
    public override Kind Kind => Kind.Vote;

    public override bool IsEmpty => Dots.IsEmpty;

    public DotMap<Ballot> Dots { get; } = dots;

    /// <summary>How many of the live members have voted yes. A member without a vote has voted no.</summary>
    /// <param name="members">The live members by their seats.</param>
    public int CountYes(IReadOnlyDictionary<int, Guid> members)
    {
        var count = 0;
        foreach (var (dot, ballot) in Dots.Pairs)
        {
            count += ballot.IsYes && members.TryGetValue(dot.Seat, out var member) && member == ballot.Member ? 1 : 0;
        }

        return count;
    }

    /// <summary>Null if the member has voted so.</summary>
    public VoteChange? Cast(Guid member, bool isYes, Stamp stamp)
    {
        var ballot = new Ballot(member, isYes);
        foreach (var (dot, value) in Dots.Pairs)
        {
            if (dot.Seat == stamp.Dot.Seat && value == ballot)
            {
                return null;
            }
        }

        return new(ballot);
    }

    public override Vote Apply(Change change, Stamp stamp) =>
        new(Dots.Where(dot => dot.Seat != stamp.Dot.Seat).With(stamp.Dot, ((VoteChange)change).Ballot));

    public override Vote Reset(Stamp stamp) => new(Dots.Without(stamp));

    public override Vote Join(Content other, Context mine, Context theirs) =>
        new(Dots.Join(((Vote)other).Dots, mine, theirs, static (ballot, _) => ballot));
}

internal sealed class VoteChange(Ballot ballot) : Change
{
    public override Kind Kind => Kind.Vote;

    public Ballot Ballot => ballot;

    public override Change Compose(Change next) => next;
}
