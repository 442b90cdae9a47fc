using CloudState.Knative.Lattices;
using CsCheck;

namespace CloudState.Knative.UnitTests.Lattices;

public sealed class CounterTests
{
    private const int Key = 0;

    [Fact]
    public void CounterOfItsOwn_HasOneDotForEachSeat()
    {
        var (one, two) = (new Replica(1, Kind.GCounter), new Replica(2, Kind.GCounter));
        for (var number = 0; number < 100; number++)
        {
            two.Get(one.Do(new Add(1)));
            one.Get(two.Do(new Add(2)));
        }

        Assert.Equal("300", one.Text);
        Assert.Equal(2, ((Counter)one.State.Content).Dots.Pairs.Length);
    }

    [Fact]
    public void CounterThatIsAddedAgain_StartsAtZero()
    {
        var one = new Replica(1, Kind.OrMap);
        one.Do(Increase(5));
        one.Do(new Remove(Key));
        one.Do(Increase(2));

        Assert.Equal("{0 GCounter 2}", one.Text);
    }

    [Fact]
    public void RemovalConcurrentWithAnIncrement_LeavesTheIncrementAlone()
    {
        var (one, two) = (new Replica(1, Kind.OrMap), new Replica(2, Kind.OrMap));
        two.Get(one.Do(Increase(7)));

        var removal = two.Do(new Remove(Key));
        var increment = one.Do(Increase(2));
        one.Get(removal);
        two.Get(increment);

        Assert.Equal(("{0 GCounter 2}", "{0 GCounter 2}"), (one.Text, two.Text));
    }

    [Fact]
    public void RemovalThatMissedManyIncrements_LetsTheOldestComeBack()
    {
        var (one, two) = (new Replica(1, Kind.OrMap), new Replica(2, Kind.OrMap));
        two.Get(one.Do(Increase(1000)));

        var removal = two.Do(new Remove(Key));
        var increments = Enumerable.Range(0, Counter.DotsInMap).Select(_ => one.Do(Increase(1))).ToArray();
        one.Get(removal);
        two.Get(increments);

        Assert.Equal((one.Text, two.Text), ("{0 GCounter 1016}", "{0 GCounter 1016}"));
    }

    [Fact]
    public void CounterInAMap_KeepsFewDots()
    {
        var one = new Replica(1, Kind.OrMap);
        for (var number = 0; number < 1000; number++)
        {
            one.Do(Increase(1));
        }

        var counter = Assert.IsType<Counter>(((EntryMap)one.State.Content).Find(Act.Bytes(Key)));
        Assert.Equal((1000, Counter.DotsInMap), ((int)counter.Value, counter.Dots.Pairs.Length));
    }

    [Fact]
    public void ManyIncrementsInAMap_Converge() => Gen.Select(Step.Some(Gen.Frequency(
        (20, Gen.Long[1, 9].Select(Act (amount) => Increase(amount))),
        (1, Gen.Const<Act>(new Remove(Key)))))[100, 200], Gen.Int[0, 9999].Array[20]).Sample(
        (steps, picks) =>
        {
            var world = new World(Kind.OrMap, steps, isLong: true);
            foreach (var (pick, (before, delta, after)) in picks.Zip(world.Stored))
            {
                var state = world.Past[pick % world.Past.Count].Join(before);
                Assert.Equal(LatticeBytes.Write(state.Join(after)), LatticeBytes.Write(state.Apply(delta)));
            }

            world.Settle();
            Assert.All(world.States, state => Assert.Equal(LatticeBytes.Write(world.Whole), LatticeBytes.Write(state)));
            Assert.Equal(LatticeBytes.Write(world.Whole), LatticeBytes.Write(world.Past.Aggregate((joined, state) => joined.Join(state))));
        },
        iter: 100);

    [Theory]
    [InlineData(long.MinValue)]
    [InlineData(long.MaxValue)]
    public void ChangesAreExact(long change)
    {
        var (one, two) = (new Replica(1, Kind.PNCounter), new Replica(2, Kind.PNCounter));

        one.Get(two.Do(new Add(change)));
        one.Do(new Add(change));

        Assert.Equal($"{(Int128)change * 2}", one.Text);
    }

    [Fact]
    public void SumOfASeatBeyond64Bits_IsRefused()
    {
        var one = new Replica(1, Kind.GCounter);
        one.Do<Counter>((counter, stamp) => counter.Add(new Amount(ulong.MaxValue, 0), stamp));

        Assert.Throws<OverflowException>(() => one.Do(new Add(1)));
        Assert.Equal($"{ulong.MaxValue}", one.Text);
    }

    [Fact]
    public void GCounter_IsNotDecreased() =>
        Assert.Contains("PNCounter", Assert.Throws<InvalidOperationException>(() => new Replica(1, Kind.GCounter).Do(new Add(-1))).Message);

    private static Update Increase(long amount) => new(Key, Kind.GCounter, new Add(amount));
}
