using CloudState.Knative.Lattices;

namespace CloudState.Knative.UnitTests.Lattices;

public sealed class EntryMapTests
{
    private readonly Replica _one = new(1, Kind.OrMap);
    private readonly Replica _two = new(2, Kind.OrMap);

    [Fact]
    public void EntryThatIsRemovedConcurrentlyWithAChange_HasTheChangeAlone()
    {
        _two.Get(_one.Do(AddTo(0, 1)), _one.Do(AddTo(0, 2)));

        Exchange(_one.Do(AddTo(0, 3)), _two.Do(new Remove(0)));

        AssertText("{0 ORSet {3}}");
    }

    [Fact]
    public void EntryInAMapThatIsRemovedConcurrentlyWithAChange_HasTheChangeAlone()
    {
        _two.Get(_one.Do(new Update(9, Kind.OrMap, AddTo(0, 1))), _one.Do(new Update(9, Kind.OrMap, AddTo(1, 1))));

        Exchange(_one.Do(new Update(9, Kind.OrMap, AddTo(0, 2))), _two.Do(new Clear()));

        AssertText("{9 OrMap {0 ORSet {2}}}");
    }

    [Fact]
    public void RemovalInAnEntry_KeepsTheEntry_AgainstItsConcurrentRemoval()
    {
        _two.Get(_one.Do(AddTo(0, 1)));

        Exchange(_one.Do(new Update(0, Kind.ORSet, new RemoveElement(1))), _two.Do(new Remove(0)));

        AssertText("{0 ORSet {}}");
    }

    [Fact]
    public void FlagThatIsAddedAgain_IsOff()
    {
        _one.Do(new Update(0, Kind.Flag, new Enable()));
        _one.Do(new Remove(0));
        _one.Do(new Put(0, Kind.Flag));

        Assert.Equal("{0 Flag off}", _one.Text);
    }

    [Fact]
    public void ValueThatTheRemovalHasNotSeen_OutlivesTheWinner()
    {
        var third = new Replica(3, Kind.OrMap);
        var (winner, other) = (_one.Do(SetTo(1, time: 9)), _two.Do(SetTo(2, time: 1)));
        third.Get(winner);
        var removal = third.Do(new Remove(0));

        _one.Get(other, removal);
        _two.Get(winner, removal);

        AssertText("{0 LwwRegister 2}");
    }

    [Fact]
    public void ConcurrentKinds_AreBothKept_AndTheLowestIsShown()
    {
        Exchange(_one.Do(AddTo(0, 1)), _two.Do(new Update(0, Kind.GCounter, new Add(5))));

        AssertText("{0 GCounter 5, 0 ORSet {1}}");
        Assert.IsType<Counter>(((EntryMap)_one.State.Content).Find(Act.Bytes(0)));
        Assert.Contains("GCounter", Assert.Throws<InvalidOperationException>(() => _one.Do(AddTo(0, 2))).Message);

        _one.Do(new Remove(0));
        _one.Do(AddTo(0, 2));

        Assert.Equal("{0 ORSet {2}}", _one.Text);
    }

    [Fact]
    public void ChangeThatDoesNothing_AddsTheEntryOnce()
    {
        Assert.True(_one.WouldChange(new Update(0, Kind.PNCounter, new Add(0))));
        _one.Do(new Put(0, Kind.PNCounter));
        Assert.False(_one.WouldChange(new Update(0, Kind.PNCounter, new Add(0))));
        Assert.False(_one.WouldChange(new Remove(1)));
    }

    [Fact]
    public void DeepestMap_IsReadAgain()
    {
        Act act = new Put(0, Kind.Flag);
        for (var depth = 0; depth < EntryMap.MaxDepth; depth++)
        {
            act = new Update(0, Kind.OrMap, act);
        }

        _two.Get(_one.Do(act));
        Assert.Equal(_one.Text, Appearance.Of(LatticeBytes.ReadState(LatticeBytes.Write(_two.State)).Content, new Dictionary<int, Guid>()));
        Assert.Throws<InvalidOperationException>(() => _one.Do(new Update(1, Kind.OrMap, act)));
    }

    private static Update AddTo(int key, int element) => new(key, Kind.ORSet, new AddElement(element));

    private static Update SetTo(int value, long time) => new(0, Kind.LwwRegister, new Set(value, RegisterClock.Custom, time));

    private void Exchange(LatticeDelta ofOne, LatticeDelta ofTwo)
    {
        _one.Get(ofTwo);
        _two.Get(ofOne);
    }

    private void AssertText(string expected) => Assert.Equal((expected, expected), (_one.Text, _two.Text));
}
