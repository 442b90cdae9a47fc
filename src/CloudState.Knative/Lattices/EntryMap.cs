using System.Collections.Immutable;
using Google.Protobuf;

namespace CloudState.Knative.Lattices;

/// <summary>
/// An ORMap: entries by key, each with a content of any kind, also a map again. Everything in it has dots of the one context of the state, so that
/// the removal of an entry takes exactly what its author had seen of it, however deep, and a concurrent change of it survives without the rest.
/// <para>
/// Example: k is present because of {1.3} and holds the elements a {1.2}, b {1.3}. Seat 2 removes k, having seen 1.3, while seat 1 adds c, which
/// renews the entry: {1.4}, and a {1.2}, b {1.3}, c {1.4}. Both deltas applied, k is present because of {1.4} and holds c alone.
/// </para>
/// </summary>
internal sealed class EntryMap(ImmutableSortedDictionary<ByteString, Entry> entries) : Content
{
    /// <summary>How many maps may be in one another: protobuf's parsers read 100 messages in one another, and a map's change takes four.</summary>
    public const int MaxDepth = 20;

    public override Kind Kind => Kind.OrMap;

    public override bool IsEmpty => Entries.IsEmpty;

    public ImmutableSortedDictionary<ByteString, Entry> Entries { get; } = entries;

    /// <summary>The shown content of an entry; null if there is no entry.</summary>
    public Content? Find(ByteString key) => Entries.GetValueOrDefault(key)?.Shown.Content;

    /// <summary>The shown content of an entry; an empty one if there is no entry.</summary>
    /// <exception cref="InvalidOperationException">The entry has another kind.</exception>
    public Content Find(ByteString key, Kind kind)
    {
        CheckKind(key, kind);
        return Find(key) ?? Empty(kind);
    }

    /// <summary>Adds an entry with an empty content, or renews it. Null if the delta has done so already.</summary>
    /// <exception cref="InvalidOperationException">The entry has another kind, or maps are too deep in one another.</exception>
    public EntryMapChange? Put(ByteString key, Kind kind, Stamp stamp)
    {
        Check(key, kind, stamp);
        return Entries.TryGetValue(key, out var entry) && entry.Shown.Dots.IsOnly(stamp.Dot)
            ? null
            : EntryMapChange.Of(key, EntryChange.Update(kind, change: null));
    }

    /// <summary>Changes an entry, which is added if it is not there. Null if it is there and nothing changes.</summary>
    /// <param name="key">Of the entry.</param>
    /// <param name="kind">Of its content.</param>
    /// <param name="stamp">Of the delta.</param>
    /// <param name="edit">The change of the content.</param>
    /// <exception cref="InvalidOperationException">The entry has another kind, or maps are too deep in one another.</exception>
    public EntryMapChange? Update<TContent>(ByteString key, Kind kind, Stamp stamp, Func<TContent, Stamp, Change?> edit)
        where TContent : Content
    {
        Check(key, kind, stamp);
        var content = Find(key);
        var change = edit((TContent)(content ?? Empty(kind)), stamp.Inside());
        return change is null && content is not null ? null : EntryMapChange.Of(key, EntryChange.Update(kind, change));
    }

    /// <summary>Null if there is no entry.</summary>
    public EntryMapChange? Remove(ByteString key) => Entries.ContainsKey(key) ? EntryMapChange.Of(key, EntryChange.Remove) : null;

    /// <summary>Null if there are no entries.</summary>
    public EntryMapChange? Clear() => IsEmpty ? null : EntryMapChange.All;

    public override EntryMap Apply(Change change, Stamp stamp)
    {
        var mapChange = (EntryMapChange)change;
        var entries = (mapChange.IsClear ? Reset(stamp) : this).Entries.ToBuilder();
        foreach (var (key, entryChange) in mapChange.Entries)
        {
            entries.Replace(key, entries.GetValueOrDefault(key, Entry.Empty).Apply(entryChange, stamp));
        }

        return new(entries.ToImmutable());
    }

    public override EntryMap Reset(Stamp stamp) => new(Entries.Reset(entry => entry.Reset(stamp)));

    public override EntryMap Join(Content other, Context mine, Context theirs) =>
        new(Entries.Join(((EntryMap)other).Entries, Entry.Empty, (entry, others) => entry.Join(others, mine, theirs)));

    private void Check(ByteString key, Kind kind, Stamp stamp)
    {
        CheckKind(key, kind);
        if (kind == Kind.OrMap && stamp.Depth >= MaxDepth)
        {
            throw new InvalidOperationException($"At most {MaxDepth} maps can be in another map. Put the entry into a map that is further out.");
        }
    }

    private void CheckKind(ByteString key, Kind kind)
    {
        if (Entries.TryGetValue(key, out var entry) && entry.Shown.Kind != kind)
        {
            throw new InvalidOperationException($"The entry is a {entry.Shown.Kind}, not a {kind}. Remove it before its key is used for another kind.");
        }
    }
}
