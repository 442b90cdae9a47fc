namespace CloudState.Knative.Storage;

/// <summary>
/// What a replica adds to a replicated value. Others may add to it at the same time, so that no version is expected, but an epoch: how often the value was deleted.
/// </summary>
/// <param name="ExpectedVersion">The version before the change; the store does not check it.</param>
/// <param name="NewVersion">The version after it.</param>
/// <param name="ExpectedEpoch">The epoch before the change. In another one, the deltas would be of a value that is no more.</param>
internal sealed record ReplicaChange(long ExpectedVersion, long NewVersion, long ExpectedEpoch) : StateChange(ExpectedVersion, NewVersion)
{
    /// <summary>How often the change deletes the value.</summary>
    public int Deletions { get; init; }

    /// <summary>What is added, after the last deletion: deltas of one seat, whose numbers follow each other.</summary>
    public IReadOnlyList<ReplicaDelta> Deltas { get; init; } = [];

    /// <summary>The value after the change, to be stored in the place of the deltas in it; null leaves them alone.</summary>
    public FoldedReplica? Folded { get; init; }

    /// <summary>The epoch after the change.</summary>
    public long Epoch => ExpectedEpoch + Deletions;

    public override StateChange FollowedBy(IEnumerable<StateChange> later)
    {
        var (deletions, deltas, folded, version) = (Deletions, new List<ReplicaDelta>(Deltas), Folded, NewVersion);
        foreach (var change in later.Cast<ReplicaChange>())
        {
            if (change.Deletions > 0)
            {
                deltas.Clear();
                folded = null;
            }

            deletions += change.Deletions;
            deltas.AddRange(change.Deltas);
            (folded, version) = (change.Folded ?? folded, change.NewVersion);
        }

        return this with { NewVersion = version, Deletions = deletions, Deltas = deltas, Folded = folded };
    }
}

/// <summary>A delta as bytes.</summary>
/// <param name="Seat">The replica that wrote it.</param>
/// <param name="Number">Among the deltas of the seat for this value, in this epoch: from 1, without gaps.</param>
/// <param name="Bytes">The delta.</param>
internal readonly record struct ReplicaDelta(int Seat, long Number, byte[] Bytes);

/// <summary>A whole value.</summary>
/// <param name="Seats">The seats whose deltas are in it.</param>
/// <param name="Numbers">Of each seat the number of its last delta in it.</param>
/// <param name="State">The value as bytes.</param>
/// <param name="Json">The value for people.</param>
internal sealed record FoldedReplica(int[] Seats, long[] Numbers, byte[] State, byte[] Json);

/// <summary>A replicated value as the store has it.</summary>
/// <param name="Epoch">How often it was deleted.</param>
/// <param name="State">The value that was folded last; null if there is none.</param>
/// <param name="Deltas">The deltas that are not in it, and perhaps some that are; those of a seat in order.</param>
internal sealed record StoredReplica(long Epoch, byte[]? State, IReadOnlyList<byte[]> Deltas);
