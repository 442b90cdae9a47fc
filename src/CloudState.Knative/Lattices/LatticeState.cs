namespace CloudState.Knative.Lattices;

/// <summary>
/// A replicated value of one key: its content, and the context of all deltas in it. States with the same context are the same, in whatever order, and
/// by whatever way, the deltas came. Immutable; a later state shares what has not changed with the earlier one.
/// <para>
/// The algorithm is that of Almeida, Shoker, Baquero, "Delta state replicated data types" (2016), with two differences, which causal order allows. A
/// context is a version vector, not a set of dots. And a delta names what its author had seen instead of the dots that it removes, so that
/// clearing a large set takes a few bytes.
/// </para>
/// <para>
/// Example, of an ORSet. Seat 1 adds a: delta 1.1 {a added}. Seat 2 sees it, and clears the set: delta 2.1 {clear, seen 1.1}. Meanwhile seat 1 adds
/// b: delta 1.2 {b added, seen 1.1}. With all three, in each order that has 1.1 first, the context is 1.2, 2.1 and the set is b {1.2}.
/// </para>
/// </summary>
internal sealed class LatticeState(Context context, Content content)
{
    public Context Context => context;

    public Content Content => content;

    public static LatticeState Empty(Kind kind) => new(Context.Empty, Content.Empty(kind));

    /// <summary>The dot of the next delta of a seat.</summary>
    public Dot NextDot(int seat) => new(seat, Context[seat] + 1);

    /// <summary>The delta that makes a change here, to be applied with <see cref="Amend"/>. Null if nothing changes.</summary>
    /// <param name="dot">The seat's next dot, or its last one for a further part of the delta that it is writing.</param>
    /// <param name="edit">The change.</param>
    /// <exception cref="ArgumentException">The dot is neither the next nor the last one of its seat.</exception>
    public LatticeDelta? Edit<TContent>(Dot dot, Func<TContent, Stamp, Change?> edit)
        where TContent : Content
    {
        if (dot.Number < 1 || Context[dot.Seat] - dot.Number is not (0 or -1))
        {
            throw new ArgumentException($"{dot} follows {Context[dot.Seat]} deltas of its seat.", nameof(dot));
        }

        var stamp = new Stamp(dot, Context.UpTo(dot with { Number = dot.Number - 1 }));
        return edit((TContent)Content, stamp) is { } change ? new(stamp, change) : null;
    }

    /// <summary>
    /// With a part of the delta that the author of this state is writing. Another state gets it with <see cref="Apply"/>, and only complete.
    /// </summary>
    public LatticeState Amend(LatticeDelta delta)
    {
        CheckKind(delta.Change.Kind);
        return new(Context.UpTo(delta.Stamp.Dot), Content.Apply(delta.Change, delta.Stamp));
    }

    /// <summary>Whether all that the author of the delta had seen is here: all earlier deltas of its seat, and those of others.</summary>
    public bool IsReadyFor(LatticeDelta delta) => Context.Covers(delta.Stamp.Seen);

    /// <summary>With a complete delta. One that is in the state already changes nothing.</summary>
    /// <exception cref="InvalidOperationException">A delta is missing before this one, or it has another kind.</exception>
    public LatticeState Apply(LatticeDelta delta) =>
        Context.Contains(delta.Stamp.Dot) ? this
        : IsReadyFor(delta) ? Amend(delta)
        : throw new InvalidOperationException($"The delta {delta.Stamp.Dot} cannot be applied before those that its author had seen.");

    /// <summary>With all deltas of another state.</summary>
    /// <exception cref="InvalidOperationException">It has another kind.</exception>
    public LatticeState Join(LatticeState other)
    {
        CheckKind(other.Content.Kind);
        return new(Context.Join(other.Context), Content.Join(other.Content, Context, other.Context));
    }

    private void CheckKind(Kind kind)
    {
        if (kind != Content.Kind)
        {
            throw new InvalidOperationException($"What belongs to a {kind} cannot be applied to a {Content.Kind}.");
        }
    }
}
