using CloudState.Knative.Lattices;

namespace CloudState.Knative.UnitTests.Lattices;

public sealed class ElementSetTests
{
    private readonly Replica _one = new(1, Kind.ORSet);
    private readonly Replica _two = new(2, Kind.ORSet);

    [Fact]
    public void AdditionOfWhatIsThere_WinsOverAConcurrentRemoval()
    {
        _two.Get(_one.Do(new AddElement(3)));

        var (addition, removal) = (_one.Do(new AddElement(3)), _two.Do(new RemoveElement(3)));
        _one.Get(removal);
        _two.Get(addition);

        Assert.Equal(("{3}", "{3}"), (_one.Text, _two.Text));
    }

    [Fact]
    public void Clear_TakesWhatItHasSeen()
    {
        _two.Get(_one.Do(new AddElement(1)));

        var (addition, clear) = (_one.Do(new AddElement(2)), _two.Do(new Clear()));
        _one.Get(clear);
        _two.Get(addition);

        Assert.Equal(("{2}", "{2}"), (_one.Text, _two.Text));
    }

    [Fact]
    public void WhatIsNotThere_IsNotRemoved()
    {
        Assert.False(_one.WouldChange(new RemoveElement(1)));
        Assert.False(_one.WouldChange(new Clear()));
    }

    [Fact]
    public void GSet_OnlyGrows()
    {
        var set = new Replica(1, Kind.GSet);
        set.Do(new AddElement(1));

        Assert.False(set.WouldChange(new AddElement(1)));
        Assert.Throws<InvalidOperationException>(() => set.Do(new RemoveElement(1)));
        Assert.Throws<InvalidOperationException>(() => set.Do(new Clear()));
    }
}
