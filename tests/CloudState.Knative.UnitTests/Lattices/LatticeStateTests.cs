using CloudState.Knative.Lattices;

namespace CloudState.Knative.UnitTests.Lattices;

public sealed class LatticeStateTests
{
    private readonly Replica _one = new(1, Kind.ORSet);
    private readonly Replica _two = new(2, Kind.ORSet);

    [Fact]
    public void DeltaBeforeItsPredecessors_IsRefused()
    {
        var (first, second) = (_one.Do(new AddElement(1)), _one.Do(new AddElement(2)));

        Assert.False(_two.State.IsReadyFor(second));
        Assert.Throws<InvalidOperationException>(() => _two.State.Apply(second));

        _two.Get(first, second);
        var answer = _two.Do(new RemoveElement(1));
        Assert.False(LatticeState.Empty(Kind.ORSet).Apply(first).IsReadyFor(answer));
    }

    [Fact]
    public void DeltaThatIsThere_ChangesNothing()
    {
        var addition = _one.Do(new AddElement(1));
        _two.Get(addition);
        _two.Do(new RemoveElement(1));

        Assert.Same(_two.State, _two.State.Apply(addition));
    }

    [Fact]
    public void FailedCommand_LeavesTheStateBefore()
    {
        _one.Do(new AddElement(1));
        var (state, bytes) = (_one.State, LatticeBytes.Write(_one.State));

        _one.Do(new AddElement(2));
        _one.Do(new Clear());

        Assert.Equal(bytes, LatticeBytes.Write(state));
        Assert.Equal("{1}", Appearance.Of(state.Content, new Dictionary<int, Guid>()));
    }

    [Fact]
    public void CommandsOfOneCommit_AreOneDelta()
    {
        var dot = _one.State.NextDot(1);
        var first = Edit(_one.State, dot, new AddElement(1));
        var between = _one.State.Amend(first);
        var second = Edit(between, dot, new RemoveElement(1));

        _two.Get(first.Compose(second));

        Assert.Equal("{}", _two.Text);
        Assert.Equal(LatticeBytes.Write(between.Amend(second)), LatticeBytes.Write(_two.State));
    }

    [Fact]
    public void DeltaAfterThatOfAnotherSeat_IsNoPartOfTheOneBefore()
    {
        var dot = _one.State.NextDot(1);
        var first = Edit(_one.State, dot, new AddElement(1));
        var between = _one.State.Amend(first).Apply(_two.Do(new AddElement(2)));

        var later = Edit(between, dot, new Clear());
        Assert.Throws<InvalidOperationException>(() => first.Compose(later));
        Assert.Throws<InvalidOperationException>(() => later.Compose(first));
        Assert.Throws<InvalidOperationException>(() => first.Compose(Edit(between, between.NextDot(1), new Clear())));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(-1)]
    public void DotThatIsNotNext_IsRefused(long number)
    {
        _one.Do(new AddElement(1));

        Assert.Throws<ArgumentException>(() => Edit(_one.State, new Dot(1, number), new AddElement(2)));
    }

    [Fact]
    public void AnotherKind_IsRefused()
    {
        var addition = _one.Do(new AddElement(1));

        Assert.Throws<InvalidOperationException>(() => LatticeState.Empty(Kind.GSet).Apply(addition));
        Assert.Throws<InvalidOperationException>(() => LatticeState.Empty(Kind.GSet).Join(_one.State));
    }

    private static LatticeDelta Edit(LatticeState state, Dot dot, Act act) =>
        Assert.IsType<LatticeDelta>(state.Edit<Content>(dot, (content, stamp) => act.Edit(content, stamp, default)?.Change));
}
