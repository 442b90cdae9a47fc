using CloudState.Knative.Cluster;
using CloudState.Knative.Storage;

namespace CloudState.Knative.UnitTests.Cluster;

/// <summary>Whom a snapshot of the cluster proposes as owners.</summary>
public sealed class ClusterSnapshotTests
{
    private const int SlotCount = 1024;

    private readonly Random _random = new(2026);

    [Fact]
    public void SameMembers_SameOwners_WhateverTheirOrder()
    {
        var members = NewMembers(5);
        var expected = OwnersOf(members);

        for (var shuffle = 0; shuffle < 10; shuffle++)
        {
            _random.Shuffle(members);
            Assert.Equal(expected, OwnersOf(members));
        }
    }

    [Fact]
    public void SameMembers_SameOwners_WhoeverAsks()
    {
        var members = NewMembers(3);
        var snapshots = members.Select(member => new ClusterSnapshot(members, member.Id, SlotCount)).ToArray();

        Assert.All(snapshots, snapshot => Assert.Equal(OwnersOf(members), OwnersOf(snapshot)));
        Assert.Equal(members, snapshots.Select(snapshot => snapshot.Self));
        Assert.All(snapshots, snapshot => Assert.All(snapshot.SlotsOfSelf(), slot => Assert.Equal(snapshot.Self, snapshot.ProposedOwner(slot))));
        Assert.Equal(Enumerable.Range(0, SlotCount), snapshots.SelectMany(snapshot => snapshot.SlotsOfSelf()).Select(slot => slot.Number).Order());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void NewMember_TakesOnlyWhatItWins(int membersBefore)
    {
        var before = NewMembers(membersBefore);
        var newcomer = NewMember();

        var moved = OwnersOf(before).Zip(OwnersOf([.. before, newcomer])).Where(owner => owner.First != owner.Second).ToArray();

        Assert.NotEmpty(moved);
        Assert.All(moved, owner => Assert.Equal(newcomer, owner.Second));
    }

    [Fact]
    public void MemberThatIsGone_LosesItsSlotsToTheOthers_AndNobodyElseLosesAny()
    {
        var before = NewMembers(4);
        var gone = before[2];

        var moved = OwnersOf(before).Zip(OwnersOf([.. before.Except([gone])])).Where(owner => owner.First != owner.Second).ToArray();

        Assert.All(moved, owner => Assert.Equal(gone, owner.First));
        Assert.Equal(3, moved.Select(owner => owner.Second).Distinct().Count());
    }

    [Fact]
    public void LeavingMember_OwnsNothing_AsIfItWereGone()
    {
        var members = NewMembers(4);
        var withLeaver = OwnersOf([.. members[..3], members[3] with { IsLeaving = true }]);

        Assert.Equal(OwnersOf(members[..3]), withLeaver);
    }

    [Fact]
    public void LeavingMember_KeepsATypeThatNobodyElseHas()
    {
        var leaver = NewMember("cart", "order") with { IsLeaving = true };
        var stays = NewMember("cart");
        var snapshot = new ClusterSnapshot([leaver, stays], leaver.Id, SlotCount);

        Assert.All(OwnersOf(snapshot, "order"), owner => Assert.Equal(leaver, owner));
        Assert.All(OwnersOf(snapshot, "cart"), owner => Assert.Equal(stays, owner));
        Assert.All(snapshot.SlotsOfSelf(), slot => Assert.Equal("order", slot.EntityType));
    }

    [Fact]
    public void AllAreLeaving_TheyKeepWhatTheyHave()
    {
        var members = NewMembers(3);
        var leaving = members.Select(member => member with { IsLeaving = true }).ToArray();

        Assert.Equal(OwnersOf(members).Select(owner => owner!.Id), OwnersOf(leaving).Select(owner => owner!.Id));
    }

    [Fact]
    public void Types_AreOwnedByTheMembersThatHaveThem()
    {
        var (old1, old2, recent) = (NewMember("cart"), NewMember("cart"), NewMember("cart", "order"));
        var snapshot = new ClusterSnapshot([old1, old2, recent], old1.Id, SlotCount);

        Assert.All(OwnersOf(snapshot, "order"), owner => Assert.Equal(recent, owner));
        Assert.Equal([old1, old2, recent], OwnersOf(snapshot, "cart").Distinct().OrderBy(owner => Array.IndexOf([old1, old2, recent], owner)));
        Assert.Null(snapshot.ProposedOwner(new Slot("unheard-of", 0)));
        Assert.All(snapshot.SlotsOfSelf(), slot => Assert.Equal("cart", slot.EntityType));
    }

    [Fact]
    public void HighestVersionOfAType_OwnsItAsLongAsItStays()
    {
        var (old, recent) = (NewMember("cart", "order"), NewMember() with { EntityTypes = new Dictionary<string, int> { ["cart"] = 2, ["order"] = 1 } });

        Assert.All(OwnersOf([old, recent]), owner => Assert.Equal(recent, owner));
        Assert.Equal(2, OwnersOf(new ClusterSnapshot([old, recent], null, SlotCount), "order").Distinct().Count());
        Assert.All(OwnersOf([old, recent with { IsLeaving = true }]), owner => Assert.Equal(old, owner));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Slots_AreSpreadEvenly(int members)
    {
        for (var snapshot = 0; snapshot < 20; snapshot++)
        {
            var counts = OwnersOf(NewMembers(members)).CountBy(owner => owner!.Id).ToArray();

            Assert.Equal(members, counts.Length);
            Assert.All(counts, count => Assert.InRange(count.Value * members / (double)SlotCount, 0.65, 1.35));
        }
    }

    [Fact]
    public void NoMembers_NoOwner()
    {
        var snapshot = new ClusterSnapshot([], Guid.NewGuid(), SlotCount);

        Assert.Null(snapshot.Self);
        Assert.Null(snapshot.ProposedOwner(new Slot("cart", 0)));
        Assert.Empty(snapshot.SlotsOfSelf());
        Assert.Null(ClusterSnapshot.Empty.ProposedOwner(new Slot("cart", 7)));
    }

    [Fact]
    public void WithoutSelf_OnlyTheOthersOwn()
    {
        var members = NewMembers(3);
        var snapshot = new ClusterSnapshot(members, members[1].Id, SlotCount).WithoutSelf();

        Assert.Null(snapshot.Self);
        Assert.Empty(snapshot.SlotsOfSelf());
        Assert.Equal(OwnersOf([members[0], members[2]]), OwnersOf(snapshot));
        Assert.Same(snapshot, snapshot.WithoutSelf());
    }

    private static Member?[] OwnersOf(Member[] members) => OwnersOf(new ClusterSnapshot(members, selfId: null, SlotCount));

    private static Member?[] OwnersOf(ClusterSnapshot snapshot, string entityType = "cart") =>
        [.. Enumerable.Range(0, snapshot.SlotsPerType).Select(number => snapshot.ProposedOwner(new Slot(entityType, number)))];

    private Member[] NewMembers(int count) => [.. Enumerable.Range(0, count).Select(_ => NewMember())];

    private Member NewMember(params string[] entityTypes)
    {
        var id = new byte[16];
        _random.NextBytes(id);
        return new Member(new Guid(id), "", "", "", (entityTypes.Length == 0 ? ["cart"] : entityTypes).ToDictionary(type => type, _ => 1));
    }
}
