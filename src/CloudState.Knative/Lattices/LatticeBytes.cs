using Google.Protobuf;

namespace CloudState.Knative.Lattices;

/// <summary>States and deltas as bytes: the same state has the same bytes, however it came about.</summary>
internal static class LatticeBytes
{
    public static byte[] Write(LatticeState state)
    {
        var stored = new StoredState { Content = ContentBytes.Write(state.Content) };
        StoredDots.Write(stored.Context, state.Context);
        return stored.ToByteArray();
    }

    public static byte[] Write(LatticeDelta delta)
    {
        var (seat, number) = delta.Stamp.Dot;
        var stored = new StoredDelta { Seat = (ulong)seat, Number = (ulong)number, Change = ChangeBytes.Write(delta.Change) };
        StoredDots.Write(stored.Seen, delta.Stamp.Seen, without: seat);
        return stored.ToByteArray();
    }

    /// <exception cref="InvalidDataException">These are not the bytes of a state that this revision can read.</exception>
    public static LatticeState ReadState(ReadOnlySpan<byte> bytes)
    {
        var stored = Parse(StoredState.Parser, bytes);
        var context = StoredDots.ReadContext(stored.Context);
        return new(context, ContentBytes.Read(stored.Content, context));
    }

    /// <exception cref="InvalidDataException">These are not the bytes of a delta that this revision can read.</exception>
    public static LatticeDelta ReadDelta(ReadOnlySpan<byte> bytes)
    {
        var stored = Parse(StoredDelta.Parser, bytes);
        var dot = StoredDots.ReadDot(stored.Seat, stored.Number);
        var others = StoredDots.ReadContext(stored.Seen);
        Refusal.Unless(others[dot.Seat] == 0, "a delta has seen its own seat");
        return new(new Stamp(dot, others.UpTo(dot with { Number = dot.Number - 1 })), ChangeBytes.Read(stored.Change, dot));
    }

    private static TMessage Parse<TMessage>(MessageParser<TMessage> parser, ReadOnlySpan<byte> bytes)
        where TMessage : IMessage<TMessage>
    {
        try
        {
            return parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException malformed)
        {
            throw Refusal.Of("it is not in protobuf's wire format, or too deep", malformed);
        }
    }
}
