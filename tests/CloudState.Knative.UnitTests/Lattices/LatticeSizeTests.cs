using CloudState.Knative.Lattices;
using Google.Protobuf;

namespace CloudState.Knative.UnitTests.Lattices;

/// <summary>A state is as large as what is in it, and a change costs what it touches.</summary>
public sealed class LatticeSizeTests
{
    [Fact]
    public void RemovalsAndAdditions_LeaveNothingBehind()
    {
        var (set, map) = (new Replica(1, Kind.ORSet), new Replica(1, Kind.OrMap));

        // The numbers of deltas take two bytes from here on.
        Churn(200);
        var few = Sizes(10);
        var many = Sizes(1000);

        Assert.Equal(few, many);

        (int, int) Sizes(int rounds)
        {
            Churn(rounds);
            return (LatticeBytes.Write(set.State).Length, LatticeBytes.Write(map.State).Length);
        }

        void Churn(int rounds)
        {
            for (var round = 0; round < rounds; round++)
            {
                set.Do(new AddElement(round % 5));
                set.Do(round % 2 == 0 ? new RemoveElement(round % 5) : new Clear());
                map.Do(new Update(round % 5, Kind.PNCounter, new Add(1)));
                map.Do(new Remove(round % 5));
            }
        }
    }

    [Fact]
    public void RepeatedChanges_LeaveNothingBehind()
    {
        AssertBounded(Kind.GCounter, _ => new Add(1L << 50));
        AssertBounded(Kind.ORSet, _ => new AddElement(1));
        AssertBounded(Kind.LwwRegister, round => new Set(round % 2, RegisterClock.Custom, 0));
        AssertBounded(Kind.Vote, round => new Cast(round % 2 == 0, default));
        AssertBounded(Kind.OrMap, _ => new Put(0, Kind.Flag));
        AssertBounded(Kind.OrMap, _ => new Update(0, Kind.ORSet, new AddElement(1)));
        AssertBounded(Kind.OrMap, _ => new Update(0, Kind.PNCounter, new Add(-(1L << 50))));

        static void AssertBounded(Kind kind, Func<int, Act> act)
        {
            var replica = new Replica(1, kind);
            var sizes = new List<int>();
            for (var round = 0; round < 1200; round++)
            {
                replica.Do(act(round));
                sizes.Add(LatticeBytes.Write(replica.State).Length);
            }

            // The numbers of deltas take two bytes from 128 on.
            Assert.InRange(sizes[1199], 1, sizes[200]);
        }
    }

    [Fact]
    public void SeatsThatCameAndWent_LeaveTwoNumbersEach()
    {
        var state = LatticeState.Empty(Kind.GCounter);
        for (var pod = 0; pod < 1000; pod++)
        {
            state = state.Amend(Assert.IsType<LatticeDelta>(state.Edit<Counter>(state.NextDot(pod % 3), (counter, stamp) => counter.Add(new Amount(1, 0), stamp))));
        }

        Assert.Equal(1000, ((Counter)state.Content).Value);
        Assert.InRange(LatticeBytes.Write(state).Length, 1, 3 * 16);
    }

    [Fact]
    public void AdditionToALargeSet_AllocatesLittleMoreThanToASmallOne()
    {
        var (small, large) = (AllocatedByAddition(SetOf(100)), AllocatedByAddition(SetOf(100_000)));

        // A path of the tree is copied: 17 nodes instead of 7.
        Assert.InRange(large, 1, 3 * small);
        Assert.InRange(large, 1, 8192);
    }

    [Fact]
    public void ClearOfALargeSet_IsAFewBytes()
    {
        var state = SetOf(10_000);

        var clear = Assert.IsType<LatticeDelta>(state.Edit<ElementSet>(state.NextDot(2), (set, _) => set.Clear()));

        Assert.True(state.Apply(clear).Content.IsEmpty);
        Assert.InRange(LatticeBytes.Write(clear).Length, 1, 20);
    }

    private static LatticeState SetOf(int count) => Enumerable.Range(0, count).Aggregate(LatticeState.Empty(Kind.ORSet), Add);

    private static LatticeState Add(LatticeState state, int element)
    {
        var bytes = ByteString.CopyFrom(BitConverter.GetBytes(element * 7919));
        return state.Amend(state.Edit<ElementSet>(state.NextDot(1), (set, stamp) => set.Add(bytes, stamp))!);
    }

    private static long AllocatedByAddition(LatticeState state)
    {
        const int additions = 100;
        Add(state, -1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var addition = 1; addition <= additions; addition++)
        {
            Add(state, -addition);
        }

        return (GC.GetAllocatedBytesForCurrentThread() - before) / additions;
    }
}
