using Google.Protobuf;

namespace CloudState.Knative.Lattices;

/// <summary>A member's id as 16 bytes.</summary>
internal static class MemberBytes
{
    public static ByteString Write(Guid member) => ByteString.CopyFrom(member.ToByteArray(bigEndian: true));

    public static Guid Read(ByteString stored)
    {
        Refusal.Unless(stored.Length == 16, "the id of a member has not 16 bytes");
        return new(stored.Span, bigEndian: true);
    }
}
