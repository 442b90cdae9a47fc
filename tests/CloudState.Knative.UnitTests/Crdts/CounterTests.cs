using CsCheck;

namespace CloudState.Knative.UnitTests.Crdts;

public sealed class CounterTests
{
    [Fact]
    public void PNCounter_IsTheSumOfItsChanges() => Gen.Select(Gen.Long[-1000, 1000], Gen.Bool).Array[0, 30].Sample(changes =>
    {
        var counter = new PNCounter();
        foreach (var (amount, isIncrement) in changes)
        {
            if (isIncrement)
            {
                counter.Increment(amount);
            }
            else
            {
                counter.Decrement(amount);
            }
        }

        Assert.Equal(changes.Sum(change => change.Item2 ? change.Item1 : -change.Item1), counter.Value);
    });

    [Fact]
    public void GCounter_AddsUp_ToTheLastNumber()
    {
        var counter = new GCounter();
        counter.Increment();
        counter.Increment(ulong.MaxValue - 1);
        counter.Increment(0);
        Assert.Equal(ulong.MaxValue, counter.Value);

        Assert.Contains("larger units", Assert.Throws<OverflowException>(() => counter.Increment()).Message);
        Assert.Equal(ulong.MaxValue, counter.Value);
    }

    [Fact]
    public void PNCounter_ReachesBothEnds()
    {
        var counter = new PNCounter();
        counter.Increment(long.MaxValue);
        Assert.Contains("larger units", Assert.Throws<OverflowException>(() => counter.Increment()).Message);
        Assert.Equal(long.MaxValue, counter.Value);

        counter.Increment(long.MinValue);
        counter.Decrement(long.MaxValue);
        Assert.Equal(long.MinValue, counter.Value);
        Assert.Throws<OverflowException>(() => counter.Decrement());
        Assert.Equal(long.MinValue, counter.Value);

        var other = new PNCounter();
        other.Decrement(-5);
        Assert.Throws<OverflowException>(() => other.Decrement(long.MinValue));
        Assert.Equal(5, other.Value);
    }

    [Fact]
    public void ConcurrentOverflow_CanOnlyBeUndone()
    {
        var (one, two) = (new CrdtReplica<PNCounter>(1), new CrdtReplica<PNCounter>(2));
        one.Value.Increment(long.MaxValue);
        two.Value.Increment(2);
        one.ExchangeWith(two);

        Assert.Throws<OverflowException>(() => one.Value.Value);
        Assert.Throws<OverflowException>(() => one.Value.Increment());
        Assert.Equal("9223372036854775809", one.Json);

        one.Value.Decrement();
        one.Value.Decrement();
        Assert.Equal(long.MaxValue, one.Value.Value);
    }
}
