using System.Collections.Immutable;
using Google.Protobuf;

namespace CloudState.Knative.Lattices;

/// <summary>
/// A GSet or an ORSet: an element is there as long as it has a dot. Each addition to an ORSet gives the element a new dot, also if it is there, and a
/// removal takes the dots that its author had seen.
/// <para>
/// Example: a has {1.3}. Seat 2 removes it, having seen 1.3, while seat 1 adds it again: {1.4}. Both deltas applied, a has {1.4}: the addition wins.
/// </para>
/// </summary>
internal sealed class ElementSet(Kind kind, ImmutableSortedDictionary<ByteString, DotMap<Presence>> elements) : Content
{
    public override Kind Kind => kind;

    public override bool IsEmpty => Elements.IsEmpty;

    public ImmutableSortedDictionary<ByteString, DotMap<Presence>> Elements { get; } = elements;

    /// <summary>Null for a GSet that has the element, and if the delta has added it already.</summary>
    public ElementSetChange? Add(ByteString element, Stamp stamp) =>
        Elements.TryGetValue(element, out var dots) && (kind == Kind.GSet || dots.IsOnly(stamp.Dot))
            ? null
            : ElementSetChange.Of(kind, element, isThere: true);

    /// <summary>Null if the element is not there.</summary>
    /// <exception cref="InvalidOperationException">This is a GSet.</exception>
    public ElementSetChange? Remove(ByteString element)
    {
        CheckRemovable();
        return Elements.ContainsKey(element) ? ElementSetChange.Of(kind, element, isThere: false) : null;
    }

    /// <summary>Null if the set is empty.</summary>
    /// <exception cref="InvalidOperationException">This is a GSet.</exception>
    public ElementSetChange? Clear()
    {
        CheckRemovable();
        return IsEmpty ? null : ElementSetChange.All(kind);
    }

    public override ElementSet Apply(Change change, Stamp stamp)
    {
        var setChange = (ElementSetChange)change;
        var elements = (setChange.IsClear ? Reset(stamp) : this).Elements.ToBuilder();
        foreach (var (element, isThere) in setChange.Elements)
        {
            var dots = elements.GetValueOrDefault(element);
            elements.Replace(element, isThere ? dots.Renew(stamp) : dots.Without(stamp));
        }

        return new(kind, elements.ToImmutable());
    }

    public override ElementSet Reset(Stamp stamp) => new(kind, Elements.Reset(dots => dots.Without(stamp)));

    public override ElementSet Join(Content other, Context mine, Context theirs) =>
        new(kind, Elements.Join(((ElementSet)other).Elements, default, (dots, others) => dots.Join(others, mine, theirs)));

    private void CheckRemovable()
    {
        if (kind == Kind.GSet)
        {
            throw new InvalidOperationException("Nothing can be removed from a GSet. Use an ORSet.");
        }
    }
}
