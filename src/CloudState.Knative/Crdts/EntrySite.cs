using CloudState.Knative.Lattices;
using Google.Protobuf;

namespace CloudState.Knative.Crdts;

/// <summary>A map's entry, whether or not it is there: the first change adds it.</summary>
/// <param name="map">The map.</param>
/// <param name="key">Of the entry.</param>
/// <param name="kind">Of its content.</param>
internal sealed class EntrySite(Crdt map, ByteString key, Kind kind) : ICrdtSite
{
    /// <exception cref="InvalidOperationException">The entry has another kind.</exception>
    public Content Content => ((EntryMap)map.Site.Content).Find(key, kind);

    public CrdtSurroundings Surroundings => map.Site.Surroundings;

    public void Change<TContent>(Func<TContent, Stamp, Change?> edit)
        where TContent : Content => map.Site.Change<EntryMap>((entries, stamp) =>
        {
            var isChanged = false;
            var change = entries.Update<TContent>(key, kind, stamp, (content, stampInside) =>
            {
                var inside = edit(content, stampInside);
                isChanged = inside is not null;
                return inside;
            });

            // The lattice would add the entry. Only Add does so: to remove what is not there must leave nothing behind.
            return isChanged ? change : null;
        });
}
