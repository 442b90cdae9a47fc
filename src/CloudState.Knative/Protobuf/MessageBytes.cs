using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Protobuf;

/// <summary>
/// A message without a generated class: its bytes, and what they are. Such messages go through the library like all others; only their handlers look into
/// them.
/// </summary>
internal sealed class MessageBytes(MessageDescriptor type, ByteString bytes) : IBufferMessage
{
    public MessageDescriptor Descriptor => type;

    public ByteString Bytes { get; private set; } = bytes;

    /// <summary>Adds a field to the end: of a field that occurs twice a parser takes the last.</summary>
    public void Add(ReadOnlySpan<byte> field) => Bytes = ByteString.CopyFrom([.. Bytes.Span, .. field]);

    public int CalculateSize() => Bytes.Length;

    public void WriteTo(CodedOutputStream output) => output.WriteRawMessage(this);

    // There is no public way to write several bytes as they are.
    public void InternalWriteTo(ref WriteContext output)
    {
        foreach (var next in Bytes.Span)
        {
            output.WriteRawTag(next);
        }
    }

    public void MergeFrom(CodedInputStream input) => throw Immutable();

    public void InternalMergeFrom(ref ParseContext input) => throw Immutable();

    private static NotSupportedException Immutable() => new($"A {nameof(MessageBytes)} is not merged.");
}

/// <summary>Reads messages of types with and without a generated class.</summary>
internal static class MessageParsing
{
    /// <exception cref="InvalidProtocolBufferException">The bytes are no such message.</exception>
    public static IMessage Parse(this MessageDescriptor type, ByteString bytes) => type.Parser is { } parser ? parser.ParseFrom(bytes) : Wrap(type, bytes);

    /// <inheritdoc cref="Parse(MessageDescriptor, ByteString)"/>
    public static IMessage Parse(this MessageDescriptor type, ReadOnlySpan<byte> bytes) =>
        type.Parser is { } parser ? parser.ParseFrom(bytes) : Wrap(type, ByteString.CopyFrom(bytes));

    private static MessageBytes Wrap(MessageDescriptor type, ByteString bytes)
    {
        // Any message is read by the rules of the wire; unknown fields are skipped. JSON is written in the order of the numbers.
        _ = Empty.Parser.ParseFrom(bytes);
        return new MessageBytes(type, UnsafeByteOperations.UnsafeWrap(WireOrder.Of(bytes.Span, MessageShapes.Plain.Of(type))));
    }
}
