using System.Collections.Immutable;

namespace CloudState.Knative.Lattices;

/// <summary>A content in a map's entry, and the dots that keep it there: each change of the content renews them.</summary>
internal sealed record Variant(DotMap<Presence> Dots, Content Content)
{
    public Kind Kind => Content.Kind;
}

/// <summary>
/// An entry of a map. It has one variant, unless it was created with several kinds concurrently: all are kept, so that no change is lost, until the
/// entry is removed; the lowest is shown.
/// </summary>
internal sealed class Entry : IDots
{
    public static readonly Entry Empty = new([]);

    public Entry(ImmutableArray<Variant> variants) => Variants = variants;

    /// <summary>By kind, each at most once.</summary>
    public ImmutableArray<Variant> Variants { get; }

    public bool IsEmpty => Variants.IsEmpty;

    public Variant Shown => Variants[0];

    public Entry Apply(EntryChange change, Stamp stamp)
    {
        var entry = change.IsReset ? Reset(stamp) : this;
        foreach (var (kind, content) in change.Contents)
        {
            var variant = entry.Find(kind);
            entry = entry.With(new(variant.Dots.Renew(stamp), content is null ? variant.Content : variant.Content.Apply(content, stamp)));
        }

        return entry;
    }

    public Entry Reset(Stamp stamp)
    {
        var entry = this;
        foreach (var (dots, content) in Variants)
        {
            entry = entry.With(new(dots.Without(stamp), content.Reset(stamp)));
        }

        return entry;
    }

    public Entry Join(Entry other, Context mine, Context theirs)
    {
        var entry = this;
        foreach (var kind in Variants.Concat(other.Variants).Select(variant => variant.Kind).Distinct())
        {
            var (one, two) = (Find(kind), other.Find(kind));
            entry = entry.With(new(one.Dots.Join(two.Dots, mine, theirs), one.Content.Join(two.Content, mine, theirs)));
        }

        return entry;
    }

    private Variant Find(Kind kind) => Variants.FirstOrDefault(variant => variant.Kind == kind) ?? new(default, Content.Empty(kind));

    private Entry With(Variant variant)
    {
        var others = Variants.Where(other => other.Kind != variant.Kind);
        return variant.Dots.IsEmpty ? new([.. others]) : new([.. others.Append(variant).OrderBy(each => each.Kind)]);
    }
}
