namespace CloudState.Knative.Lattices;

/// <summary>What one seat changes at one time, as it is stored and sent. Whatever it removes is meant as far as its author had seen it, and need not be listed.</summary>
internal sealed record LatticeDelta(Stamp Stamp, Change Change)
{
    /// <summary>This delta and then its next part: what one commit stores of several commands.</summary>
    /// <exception cref="InvalidOperationException">The other delta has another dot, or its author had seen more meanwhile.</exception>
    public LatticeDelta Compose(LatticeDelta next) => next.Stamp.Dot == Stamp.Dot && Stamp.Seen.Covers(next.Stamp.Seen) && next.Stamp.Seen.Covers(Stamp.Seen)
        ? new(Stamp, Change.Compose(next.Change))
        : throw new InvalidOperationException(
            $"{next.Stamp.Dot} is no part of the delta {Stamp.Dot}: the deltas of others are applied between two deltas of one's own, not within one.");
}
