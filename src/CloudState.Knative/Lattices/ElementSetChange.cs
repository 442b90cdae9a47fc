using System.Collections.Immutable;
using Google.Protobuf;

namespace CloudState.Knative.Lattices;

/// <summary>Of elements, those that are touched: first all are removed if it is a clear, then those are added and removed.</summary>
/// <param name="kind">GSet or ORSet.</param>
/// <param name="isClear">Removes all elements, as far as the author had seen them: as small as the removal of one.</param>
/// <param name="elements">The touched elements, and whether they are added or removed.</param>
internal sealed class ElementSetChange(Kind kind, bool isClear, ImmutableSortedDictionary<ByteString, bool> elements) : Change
{
    public override Kind Kind => kind;

    public bool IsClear => isClear;

    public ImmutableSortedDictionary<ByteString, bool> Elements => elements;

    public static ElementSetChange Of(Kind kind, ByteString element, bool isThere) =>
        new(kind, isClear: false, ByteOrder.Empty<bool>().Add(element, isThere));

    public static ElementSetChange All(Kind kind) => new(kind, isClear: true, ByteOrder.Empty<bool>());

    public override ElementSetChange Compose(Change next)
    {
        var later = (ElementSetChange)next;
        return later.IsClear ? later : new(kind, isClear, elements.SetItems(later.Elements));
    }
}
