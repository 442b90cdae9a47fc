using CloudState.Knative.Lattices;
using CloudState.Knative.Replicated;
using CloudState.Knative.Storage;
using CsCheck;

namespace CloudState.Knative.UnitTests.Replicated;

public sealed class ReplicaTests
{
    private static readonly Replica Empty = new(Epoch: 0, LatticeState.Empty(Kind.PNCounter));

    [Fact]
    public void DeltasInAnyOrder_AreAppliedInTheOrderOfWhatTheirAuthorsHadSeen()
    {
        var deltas = Deltas(out var state);

        Gen.Shuffle(deltas).Sample(shuffled =>
        {
            var replica = Empty.With(new StoredReplica(Epoch: 0, State: null, shuffled), out var isComplete);

            Assert.True(isComplete);
            Assert.Equal(LatticeBytes.Write(state), LatticeBytes.Write(replica.State));
        });
    }

    [Fact]
    public void DeltaWithoutThoseBeforeIt_WaitsForThem()
    {
        var deltas = Deltas(out var state);

        var behind = Empty.With(new StoredReplica(Epoch: 0, State: null, deltas[1..]), out var isComplete);
        Assert.False(isComplete);
        Assert.Equal(0, behind.Version);

        var replica = behind.With(new StoredReplica(Epoch: 0, LatticeBytes.Write(state), []), out isComplete);
        Assert.True(isComplete);
        Assert.Equal(LatticeBytes.Write(state), LatticeBytes.Write(replica.State));
        Assert.Equal(deltas.Length, replica.Version);
    }

    [Fact]
    public void LaterEpoch_ReplacesTheValue_AndAnEarlierOneIsDropped()
    {
        var deltas = Deltas(out _);
        var before = Empty.With(new StoredReplica(Epoch: 0, State: null, deltas), out _);

        var after = before.With(new StoredReplica(Epoch: 1, State: null, deltas[..1]), out var isComplete);
        Assert.True(isComplete);
        Assert.Equal((1, 1), (after.Epoch, after.State.Context[1]));
        Assert.True(after.Version > before.Version);

        Assert.Same(after, after.With(new StoredReplica(Epoch: 0, State: null, deltas), out isComplete));
        Assert.True(isComplete);
        Assert.True(after.Deleted().Version > after.Version);
    }

    /// <summary>Two seats, each of which has seen what is before: the first can be applied alone, each of the others only after it.</summary>
    private static byte[][] Deltas(out LatticeState state)
    {
        state = Empty.State;
        var deltas = new List<byte[]>();
        foreach (var seat in (int[])[1, 2, 1, 2, 2, 1])
        {
            var delta = state.Edit<Counter>(state.NextDot(seat), (counter, stamp) => counter.Add(Amount.Of(seat), stamp))!;
            state = state.Apply(delta);
            deltas.Add(LatticeBytes.Write(delta));
        }

        return [.. deltas];
    }
}
