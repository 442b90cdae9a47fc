using CloudState.Knative.Lattices;

namespace CloudState.Knative.UnitTests.Lattices;

using Vote = CloudState.Knative.Lattices.Vote;

public sealed class VoteTests
{
    private readonly Guid _first = Guid.NewGuid();
    private readonly Guid _next = Guid.NewGuid();
    private readonly Guid _other = Guid.NewGuid();
    private readonly Replica _one = new(1, Kind.Vote);
    private readonly Replica _two = new(2, Kind.Vote);

    [Fact]
    public void VotesOfLiveMembers_Count()
    {
        _one.Get(_two.Do<Vote>((vote, stamp) => vote.Cast(_other, true, stamp)));
        _one.Do<Vote>((vote, stamp) => vote.Cast(_first, true, stamp));

        Assert.Equal(2, CountYes((1, _first), (2, _other), (3, Guid.NewGuid())));
        Assert.Equal(1, CountYes((2, _other)));
        Assert.Equal(1, CountYes((1, _next), (2, _other)));
        Assert.Equal(0, CountYes());
    }

    [Fact]
    public void NextMemberOfASeat_ReplacesTheVote()
    {
        _one.Do<Vote>((vote, stamp) => vote.Cast(_first, true, stamp));
        _one.Do<Vote>((vote, stamp) => vote.Cast(_next, false, stamp));

        Assert.Equal(0, CountYes((1, _next)));
        Assert.Equal(1, ((Vote)_one.State.Content).Dots.Pairs.Length);
    }

    [Fact]
    public void SameVote_ChangesNothing()
    {
        _one.Do<Vote>((vote, stamp) => vote.Cast(_first, true, stamp));

        Assert.Null(_one.State.Edit<Vote>(_one.State.NextDot(1), (vote, stamp) => vote.Cast(_first, true, stamp)));
        Assert.NotNull(_one.State.Edit<Vote>(_one.State.NextDot(1), (vote, stamp) => vote.Cast(_next, true, stamp)));
    }

    private int CountYes(params (int Seat, Guid Member)[] members) =>
        ((Vote)_one.State.Content).CountYes(members.ToDictionary(member => member.Seat, member => member.Member));
}
