using CloudState.Knative.Storage;

namespace CloudState.Knative.UnitTests.Runtime;

public sealed class ReplicaChangeTests
{
    private static readonly FoldedReplica Fold = new([1], [1], [1], [2]);

    [Fact]
    public void MergedChanges_AddAllDeltas_AndHaveTheLastFold()
    {
        var merged = Merge(
            new ReplicaChange(5, 6, 2) { Deltas = [Delta(1), Delta(2)], Folded = new FoldedReplica([1], [2], [3], [4]) },
            new ReplicaChange(6, 6, 2) { Folded = Fold },
            new ReplicaChange(6, 7, 2) { Deltas = [Delta(3)] });

        Assert.Equal([1, 2, 3], merged.Deltas.Select(delta => delta.Number));
        Assert.Same(Fold, merged.Folded);
        Assert.Equal((5, 7, 2, 2, 0), (merged.ExpectedVersion, merged.NewVersion, merged.ExpectedEpoch, merged.Epoch, merged.Deletions));
    }

    [Fact]
    public void MergedDeletions_DropWhatWasBeforeTheLast_AndAreCounted()
    {
        var merged = Merge(
            new ReplicaChange(0, 1, 2) { Deltas = [Delta(9)], Folded = Fold },
            new ReplicaChange(1, 3, 2) { Deletions = 2, Deltas = [Delta(1)] },
            new ReplicaChange(3, 4, 4) { Deltas = [Delta(2)], Folded = Fold },
            new ReplicaChange(4, 5, 4) { Deletions = 1 },
            new ReplicaChange(5, 6, 5) { Deltas = [Delta(1), Delta(2)] });

        Assert.Equal([1, 2], merged.Deltas.Select(delta => delta.Number));
        Assert.Null(merged.Folded);
        Assert.Equal((0, 6, 2, 5, 3), (merged.ExpectedVersion, merged.NewVersion, merged.ExpectedEpoch, merged.Epoch, merged.Deletions));
    }

    private static ReplicaChange Merge(params ReplicaChange[] changes) =>
        (ReplicaChange)EntityAppend.Merge([.. changes.Select(change => new EntityAppend(new EntityId("tally", "a"), change))]).State;

    private static ReplicaDelta Delta(long number) => new(1, number, [(byte)number]);
}
