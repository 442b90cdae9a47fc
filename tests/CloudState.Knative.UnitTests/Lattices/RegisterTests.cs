using CloudState.Knative.Lattices;

namespace CloudState.Knative.UnitTests.Lattices;

public sealed class RegisterTests
{
    private readonly Replica _one = new(1, Kind.LwwRegister);
    private readonly Replica _two = new(2, Kind.LwwRegister);

    [Theory]
    [InlineData(RegisterClock.Default, 5L, null, 5L)]
    [InlineData(RegisterClock.Default, 5L, 9L, 10L)]
    [InlineData(RegisterClock.Default, 50L, 9L, 50L)]
    [InlineData(RegisterClock.Reverse, 5L, 9L, -5L)]
    [InlineData(RegisterClock.Reverse, long.MinValue, null, long.MaxValue)]
    [InlineData(RegisterClock.Custom, 5L, 9L, 5L)]
    [InlineData(RegisterClock.CustomAutoIncrement, 5L, null, 5L)]
    [InlineData(RegisterClock.CustomAutoIncrement, 5L, 9L, 10L)]
    [InlineData(RegisterClock.CustomAutoIncrement, 50L, 9L, 50L)]
    [InlineData(RegisterClock.CustomAutoIncrement, 5L, long.MaxValue, long.MaxValue)]
    internal void Clocks(RegisterClock clock, long time, long? current, long expected) => Assert.Equal(expected, clock.Tick(time, current));

    [Fact]
    public void ValueThatHasSeenAnother_Wins_WhateverThePodsClocksSay()
    {
        _two.Get(_one.Do(new Set(1, RegisterClock.Default, 1000)));
        _one.Get(_two.Do(new Set(2, RegisterClock.Default, 10)));

        Assert.Equal(("2", "2"), (_one.Text, _two.Text));
    }

    [Fact]
    public void LowerClock_ChangesNothing()
    {
        _one.Do(new Set(1, RegisterClock.Custom, 5));

        Assert.False(_one.WouldChange(new Set(2, RegisterClock.Custom, 4)));
        Assert.True(_one.WouldChange(new Set(2, RegisterClock.Custom, 5)));
    }

    [Fact]
    public void FirstValue_WinsWithReverseClocks()
    {
        var (early, late) = (_one.Do(new Set(1, RegisterClock.Reverse, 10)), _two.Do(new Set(2, RegisterClock.Reverse, 20)));
        _one.Get(late);
        _two.Get(early);

        Assert.Equal(("1", "1"), (_one.Text, _two.Text));
    }

    [Fact]
    public void SameClock_HigherSeatWins()
    {
        var (low, high) = (_one.Do(new Set(1, RegisterClock.Custom, 7)), _two.Do(new Set(2, RegisterClock.Custom, 7)));
        _one.Get(high);
        _two.Get(low);

        Assert.Equal(("2", "2"), (_one.Text, _two.Text));
        Assert.False(_one.WouldChange(new Set(3, RegisterClock.Custom, 7)));
    }
}
