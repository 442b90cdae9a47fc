namespace CloudState.Knative.Lattices;

/// <summary>
/// What one seat changes at one time, as it is stored and sent. What it removes is meant as far as its author had seen it, and need not be listed.
/// </summary>
internal sealed class LatticeDelta(Stamp stamp, Change change)
{
    public Stamp Stamp => stamp;

    public Change Change => change;

    /// <summary>This delta and then its next part: what one commit stores of several commands.</summary>
    /// <exception cref="InvalidOperationException">The other delta has another dot, or its author had seen more meanwhile.</exception>
    public LatticeDelta Compose(LatticeDelta next) =>
        next.Stamp.Dot == stamp.Dot && stamp.Seen.Covers(next.Stamp.Seen) && next.Stamp.Seen.Covers(stamp.Seen)
            ? new(stamp, change.Compose(next.Change))
            : throw new InvalidOperationException(
                $"{next.Stamp.Dot} is no part of the delta {stamp.Dot}: deltas of others are applied between those of one's own, not within one.");
}
