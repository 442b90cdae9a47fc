using CloudState.Knative.Lattices;
using Google.Protobuf;

namespace CloudState.Knative.Crdts;

/// <summary>Values whose types of elements are not known here: they show them as bytes.</summary>
internal static class UntypedValues
{
    public static Crdt Of(Kind kind) => kind switch
    {
        Kind.GCounter => new GCounter(),
        Kind.PNCounter => new PNCounter(),
        Kind.GSet => new GSet<ByteString>(),
        Kind.ORSet => new ORSet<ByteString>(),
        Kind.LwwRegister => new LwwRegister<ByteString>(),
        Kind.Flag => new Flag(),
        Kind.OrMap => new OrMap<ByteString>(),
        Kind.Vote => new Vote(),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };
}
