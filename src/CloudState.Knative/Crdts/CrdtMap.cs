using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using CloudState.Knative.Crdts;
using CloudState.Knative.Lattices;
using Google.Protobuf;

namespace CloudState.Knative;

/// <summary>
/// What <see cref="OrMap{TKey, TCrdt}"/> and <see cref="OrMap{TKey}"/> have in common: entries by key, each a replicated value, also a map again. A removal
/// takes what its process has seen of the entry: concurrent changes of it stay, without the rest.
/// </summary>
/// <typeparam name="TKey">
/// <see cref="string"/>, <see cref="bool"/>, <see cref="int"/>, <see cref="uint"/>, <see cref="long"/>, <see cref="ulong"/>, <see cref="double"/>,
/// <see cref="Guid"/>, <see cref="ByteString"/>, an enum based on <see cref="int"/>, or a protobuf message without map fields.
/// </typeparam>
public abstract class CrdtMap<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] TKey> : Crdt
    where TKey : notnull
{
    private readonly ElementCodec<TKey> _keys = ElementCodecs.Of<TKey>();

    private protected CrdtMap()
        : base(Kind.OrMap)
    {
    }

    /// <summary>How many entries there are.</summary>
    public int Count => Map.Entries.Count;

    /// <summary>The keys of the entries now, in the order of their bytes: numbers by size, texts by code points.</summary>
    public IEnumerable<TKey> Keys => Map.Entries.Keys.Select(_keys.Read);

    private EntryMap Map => (EntryMap)Site.Content;

    /// <summary>Whether there is an entry.</summary>
    /// <exception cref="ArgumentException">The key is a text that is no valid UTF-16.</exception>
    public bool ContainsKey(TKey key) => Map.Entries.ContainsKey(_keys.Write(key));

    /// <summary>Removes an entry with its value; false if it is not there. A value that was taken from it is empty then, and its next change adds it again.</summary>
    /// <exception cref="ArgumentException">The key is a text that is no valid UTF-16.</exception>
    public bool Remove(TKey key)
    {
        var bytes = _keys.Write(key);
        var isThere = Map.Entries.ContainsKey(bytes);
        Site.Change<EntryMap>((map, _) => map.Remove(bytes));
        return isThere;
    }

    /// <summary>Removes all entries that this process has seen.</summary>
    public void Clear() => Site.Change<EntryMap>((map, _) => map.Clear());

    internal override void WriteJson(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        foreach (var (key, entry) in Map.Entries)
        {
            json.WritePropertyName(_keys.Text(_keys.Read(key)));
            Bind(NewValue(entry.Shown.Kind), key).WriteJson(json);
        }

        json.WriteEndObject();
    }

    /// <summary>A value as which an entry of that kind can be written.</summary>
    private protected virtual Crdt NewValue(Kind kind) => UntypedValues.Of(kind);

    private protected bool Put(TKey key, Kind kind)
    {
        var bytes = _keys.Write(key);
        var isNew = !Map.Entries.ContainsKey(bytes);
        Site.Change<EntryMap>((map, stamp) => map.Put(bytes, kind, stamp));
        return isNew;
    }

    private protected TCrdt Bind<TCrdt>(TKey key)
        where TCrdt : Crdt, new() => Bind(new TCrdt(), _keys.Write(key));

    private TCrdt Bind<TCrdt>(TCrdt value, ByteString key)
        where TCrdt : Crdt
    {
        value.Attach(new EntrySite(this, key, value.Kind));
        return value;
    }
}
