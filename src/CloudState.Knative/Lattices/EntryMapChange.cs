using System.Collections.Immutable;
using Google.Protobuf;

namespace CloudState.Knative.Lattices;

/// <summary>Of entries, those that are touched: first all are removed if it is a clear, then those are changed.</summary>
/// <param name="isClear">Removes all entries, as far as the author had seen them.</param>
/// <param name="entries">The touched entries.</param>
internal sealed class EntryMapChange(bool isClear, ImmutableSortedDictionary<ByteString, EntryChange> entries) : Change
{
    public static readonly EntryMapChange All = new(isClear: true, ByteOrder.Empty<EntryChange>());

    public override Kind Kind => Kind.OrMap;

    public bool IsClear => isClear;

    public ImmutableSortedDictionary<ByteString, EntryChange> Entries => entries;

    public static EntryMapChange Of(ByteString key, EntryChange change) => new(isClear: false, ByteOrder.Empty<EntryChange>().Add(key, change));

    public override EntryMapChange Compose(Change next)
    {
        var later = (EntryMapChange)next;
        return later.IsClear
            ? later
            : new(isClear, entries.SetItems(later.Entries.Select(entry => KeyValuePair.Create(
                entry.Key, entries.TryGetValue(entry.Key, out var earlier) ? earlier.Compose(entry.Value) : entry.Value))));
    }
}

/// <summary>Of an entry: first it is removed if it is a reset, then its contents are changed.</summary>
/// <param name="IsReset">Removes the entry with all of its contents, as far as the author had seen them.</param>
/// <param name="Contents">By kind, the contents that keep the entry or add it, and their changes; null if it is only kept or added.</param>
internal sealed record EntryChange(bool IsReset, ImmutableSortedDictionary<Kind, Change?> Contents)
{
    public static readonly EntryChange Remove = new(IsReset: true, ImmutableSortedDictionary<Kind, Change?>.Empty);

    public static EntryChange Update(Kind kind, Change? change) =>
        new(IsReset: false, ImmutableSortedDictionary<Kind, Change?>.Empty.Add(kind, change));

    public EntryChange Compose(EntryChange later)
    {
        return later.IsReset
            ? later
            : new(IsReset, Contents.SetItems(later.Contents.Select(content => KeyValuePair.Create(content.Key, Both(content.Key, content.Value)))));

        Change? Both(Kind kind, Change? next) => (Contents.GetValueOrDefault(kind), next) switch
        {
            ({ } first, { } second) => first.Compose(second),
            var (first, second) => first ?? second,
        };
    }
}
