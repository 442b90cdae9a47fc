using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using CloudState.Knative.Crdts;
using CloudState.Knative.Lattices;
using Google.Protobuf;

namespace CloudState.Knative;

/// <summary>What <see cref="GSet{T}"/> and <see cref="ORSet{T}"/> have in common. Elements are the same if they are stored as the same bytes.</summary>
/// <remarks>
/// Elements are enumerated in the order of their bytes: numbers by size, texts by code points. The set may be changed meanwhile, which the enumeration does
/// not see. A message that is handed out is a copy.
/// </remarks>
/// <typeparam name="T">
/// <see cref="string"/>, <see cref="bool"/>, <see cref="int"/>, <see cref="uint"/>, <see cref="long"/>, <see cref="ulong"/>, <see cref="double"/>,
/// <see cref="Guid"/>, <see cref="ByteString"/>, an enum based on <see cref="int"/>, or a protobuf message without map fields.
/// </typeparam>
public abstract class CrdtSet<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] T> : Crdt, IReadOnlyCollection<T>
    where T : notnull
{
    private readonly ElementCodec<T> _codec = ElementCodecs.Of<T>();

    private protected CrdtSet(Kind kind)
        : base(kind)
    {
    }

    /// <summary>How many elements there are.</summary>
    public int Count => Set.Elements.Count;

    private ElementSet Set => (ElementSet)Site.Content;

    /// <summary>Whether the element is there.</summary>
    /// <exception cref="ArgumentException">The element is a text that is no valid UTF-16.</exception>
    public bool Contains(T element) => Set.Elements.ContainsKey(_codec.Write(element));

    /// <summary>Adds an element; true if it was not there.</summary>
    /// <exception cref="ArgumentException">The element is a text that is no valid UTF-16.</exception>
    public bool Add(T element)
    {
        var bytes = _codec.Write(element);
        var isNew = !Set.Elements.ContainsKey(bytes);
        Site.Change<ElementSet>((set, stamp) => set.Add(bytes, stamp));
        return isNew;
    }

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator() => Set.Elements.Keys.Select(_codec.Read).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal override void WriteJson(Utf8JsonWriter json)
    {
        json.WriteStartArray();
        foreach (var element in this)
        {
            _codec.WriteJson(json, element);
        }

        json.WriteEndArray();
    }

    private protected bool RemoveElement(T element)
    {
        var bytes = _codec.Write(element);
        var isThere = Set.Elements.ContainsKey(bytes);
        Site.Change<ElementSet>((set, _) => set.Remove(bytes));
        return isThere;
    }
}
