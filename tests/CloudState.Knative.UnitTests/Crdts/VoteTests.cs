namespace CloudState.Knative.UnitTests.Crdts;

public sealed class VoteTests
{
    private readonly CrdtReplica<Vote> _one = new(1);
    private readonly CrdtReplica<Vote> _two = new(2);

    public VoteTests()
    {
        _one.Members[2] = _two.Surroundings.Member;
        _two.Members[1] = _one.Surroundings.Member;
    }

    [Fact]
    public void Votes_AreCounted()
    {
        AssertOne(votesFor: 0, isAtLeastOne: false, isMajority: false, isUnanimous: false);

        _two.Value.SelfVote = true;
        _one.ExchangeWith(_two);
        AssertOne(votesFor: 1, isAtLeastOne: true, isMajority: false, isUnanimous: false);
        Assert.False(_one.Value.SelfVote);

        _one.Value.SelfVote = true;
        Assert.True(_one.Value.SelfVote);
        AssertOne(votesFor: 2, isAtLeastOne: true, isMajority: true, isUnanimous: true);

        _one.Members[3] = Guid.NewGuid();
        AssertOne(votesFor: 2, isAtLeastOne: true, isMajority: true, isUnanimous: false);
        Assert.Equal("""{"votesFor":2,"totalVoters":3}""", _one.Json);

        _one.Value.SelfVote = false;
        Assert.False(_one.Value.SelfVote);
        AssertOne(votesFor: 1, isAtLeastOne: true, isMajority: false, isUnanimous: false);
    }

    [Fact]
    public void VoteOfAMemberThatHasEnded_DoesNotCount()
    {
        _two.Value.SelfVote = true;
        _one.ExchangeWith(_two);
        _one.Members[2] = Guid.NewGuid();

        Assert.Equal((0, 2), (_one.Value.VotesFor, _one.Value.TotalVoters));
    }

    [Fact]
    public void NoVoters_AreNotUnanimous()
    {
        _one.Members.Clear();

        AssertOne(votesFor: 0, isAtLeastOne: false, isMajority: false, isUnanimous: false);
    }

    [Fact]
    public void VoteOfNoEntity_HasOneVoter()
    {
        var vote = new Vote { SelfVote = true };

        Assert.Equal((true, 1, 1), (vote.IsUnanimous, vote.VotesFor, vote.TotalVoters));
    }

    private void AssertOne(int votesFor, bool isAtLeastOne, bool isMajority, bool isUnanimous) => Assert.Equal(
        (votesFor, isAtLeastOne, isMajority, isUnanimous),
        (_one.Value.VotesFor, _one.Value.IsAtLeastOne, _one.Value.IsMajority, _one.Value.IsUnanimous));
}
