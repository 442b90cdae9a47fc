namespace CloudState.Knative.Lattices;

/// <summary>
/// What a state holds beside its context, and an entry of a map beside its presence: dots with values, by elements or keys. Immutable.
/// </summary>
internal abstract class Content
{
    public abstract Kind Kind { get; }

    /// <summary>Whether it holds no dot.</summary>
    public abstract bool IsEmpty { get; }

    public static Content Empty(Kind kind) => kind switch
    {
        Kind.GCounter or Kind.PNCounter => new Counter(kind, default),
        Kind.GSet or Kind.ORSet => new ElementSet(kind, ByteOrder.Empty<DotMap<Presence>>()),
        Kind.LwwRegister => new Register(default),
        Kind.Flag => new Flag(default),
        Kind.OrMap => new EntryMap(ByteOrder.Empty<Entry>()),
        Kind.Vote => new Vote(default),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    /// <summary>With a change of the same kind by a delta that this has not seen, or by an earlier part of which it was changed already.</summary>
    public abstract Content Apply(Change change, Stamp stamp);

    /// <summary>Without what the delta's author had seen.</summary>
    public abstract Content Reset(Stamp stamp);

    /// <summary>What neither of two states has removed.</summary>
    /// <param name="other">The content, of the same kind, in the other state.</param>
    /// <param name="mine">What the state of this content has seen.</param>
    /// <param name="theirs">What the other state has seen.</param>
    public abstract Content Join(Content other, Context mine, Context theirs);
}
