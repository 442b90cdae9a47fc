using System.Buffers;
using System.Buffers.Binary;
using Google.Protobuf;

namespace CloudState.Knative.Routing;

/// <summary>What a frame says.</summary>
internal enum PeerFrameKind : byte
{
    /// <summary>Run this command.</summary>
    Command = 1,

    /// <summary>It ended so.</summary>
    Outcome = 2,

    /// <summary>The caller no longer waits for the outcome.</summary>
    Cancel = 3,

    /// <summary>Are you there?</summary>
    Ping = 4,

    /// <summary>I am here.</summary>
    Pong = 5,

    /// <summary>Send no further commands on this link, and end it once you have the outcomes of those you have sent.</summary>
    Closing = 6,

    /// <summary>This was stored of replicated values. There is no answer.</summary>
    Updates = 7,

    /// <summary>Answer once you have merged this, if you have the entity in memory.</summary>
    Confirm = 8,
}

/// <summary>
/// What pods send each other over a link. A head, which the link reads, and a body, the message of the service, which only its end
/// reads; both in protobuf, see <c>peer.proto</c>, and often empty.
/// </summary>
/// <remarks>
/// <code>
/// length of the rest   4 bytes, most significant first
/// kind                 1 byte
/// call                 8 bytes, most significant first; chosen by the sender of a command, and the same in its outcome
/// length of the head   4 bytes, most significant first
/// head
/// body                 what is left
/// </code>
/// A ping is 00 00 00 0D, 04, 00 00 00 00 00 00 00 00, 00 00 00 00.
/// </remarks>
internal readonly ref struct PeerFrame
{
    private const int LengthSize = sizeof(int);
    private const int KindAt = LengthSize;
    private const int CallAt = KindAt + sizeof(PeerFrameKind);
    private const int HeadLengthAt = CallAt + sizeof(ulong);
    private const int HeadAt = HeadLengthAt + sizeof(int);

    // Far above what an edge lets in; a length beyond it is no length.
    private const int MaxLength = 1 << 30;

    private PeerFrame(ReadOnlySpan<byte> frame)
    {
        Kind = (PeerFrameKind)frame[KindAt];
        Call = BinaryPrimitives.ReadUInt64BigEndian(frame[CallAt..]);
        var headLength = BinaryPrimitives.ReadInt32BigEndian(frame[HeadLengthAt..]);
        if (headLength < 0 || headLength > frame.Length - HeadAt)
        {
            throw new InvalidDataException($"A peer announced a head of {headLength} bytes in a frame of {frame.Length}.");
        }

        Head = frame.Slice(HeadAt, headLength);
        Body = frame[(HeadAt + headLength)..];
    }

    public PeerFrameKind Kind { get; }

    public ulong Call { get; }

    public ReadOnlySpan<byte> Head { get; }

    public ReadOnlySpan<byte> Body { get; }

    public static void Write(IBufferWriter<byte> output, PeerFrameKind kind, ulong call, IMessage? head, IMessage? body)
    {
        var headLength = head?.CalculateSize() ?? 0;
        var bodyLength = body?.CalculateSize() ?? 0;
        var length = checked(HeadAt + headLength + bodyLength);
        var frame = output.GetSpan(length)[..length];
        BinaryPrimitives.WriteInt32BigEndian(frame, length - LengthSize);
        frame[KindAt] = (byte)kind;
        BinaryPrimitives.WriteUInt64BigEndian(frame[CallAt..], call);
        BinaryPrimitives.WriteInt32BigEndian(frame[HeadLengthAt..], headLength);
        head?.WriteTo(frame.Slice(HeadAt, headLength));
        body?.WriteTo(frame[(HeadAt + headLength)..]);
        output.Advance(length);
    }

    /// <summary>Takes the first frame from what was received; false when it is not all there yet.</summary>
    /// <exception cref="InvalidDataException">This is no frame.</exception>
    public static bool TryTake(ref ReadOnlySpan<byte> received, out PeerFrame frame)
    {
        frame = default;
        if (received.Length < LengthSize)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadInt32BigEndian(received);
        if (length is < HeadAt - LengthSize or > MaxLength)
        {
            throw new InvalidDataException($"A peer announced a frame of {length} bytes.");
        }

        if (received.Length < LengthSize + length)
        {
            return false;
        }

        frame = new PeerFrame(received[..(LengthSize + length)]);
        received = received[(LengthSize + length)..];
        return true;
    }
}
