using System.Text.Json;
using CloudState.Knative.Crdts;
using CloudState.Knative.Lattices;

namespace CloudState.Knative;

/// <summary>
/// A replicated value: each process changes its own copy without asking the others, and all copies become the same when they have seen the same changes.
/// Its types are <see cref="GCounter"/>, <see cref="PNCounter"/>, <see cref="GSet{T}"/>, <see cref="ORSet{T}"/>, <see cref="LwwRegister{T}"/>,
/// <see cref="Flag"/>, <see cref="Vote"/>, <see cref="OrMap{TKey, TCrdt}"/> and <see cref="OrMap{TKey}"/>.
/// </summary>
/// <remarks>
/// A value that was made with <c>new</c> belongs to no entity and is stored nowhere, which is what unit tests need. Values are not safe for several threads.
/// A change that fails with an exception changes nothing.
/// </remarks>
public abstract class Crdt
{
    private ICrdtSite? _site;

    private protected Crdt(Kind kind) => Kind = kind;

    internal Kind Kind { get; }

    internal ICrdtSite Site => _site ??= new LocalSite(Kind);

    /// <summary>Makes this a view of the value at that place, which has the same kind.</summary>
    internal void Attach(ICrdtSite site) => _site = site;

    /// <summary>Writes the value for people: not all that is stored, and nothing reads it again.</summary>
    internal abstract void WriteJson(Utf8JsonWriter json);
}
