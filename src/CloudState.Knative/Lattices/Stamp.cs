namespace CloudState.Knative.Lattices;

/// <summary>When a delta was written: its dot, and what its author had seen before.</summary>
/// <param name="Dot">Of the delta.</param>
/// <param name="Seen">The context of the author's state before the delta: with all earlier deltas of the same seat.</param>
/// <param name="Depth">How many maps are around the content that is being changed.</param>
internal sealed record Stamp(Dot Dot, Context Seen, int Depth = 0)
{
    /// <summary>
    /// Whether the delta supersedes what has that dot, where it removes something. Its own dot is among them, because a delta may remove what it has
    /// added itself.
    /// </summary>
    public bool Covers(Dot dot) => dot == Dot || Seen.Contains(dot);

    /// <summary>For the content of a map's entry.</summary>
    public Stamp Inside() => this with { Depth = Depth + 1 };
}
