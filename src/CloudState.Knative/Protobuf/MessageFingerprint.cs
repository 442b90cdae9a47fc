using System.Collections.Concurrent;
using System.IO.Hashing;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Protobuf;

/// <summary>Tells a repeated command from another one under the same id, by a hash of its message.</summary>
/// <remarks>
/// Equal messages may differ in their bytes: maps have no order, and a field that one revision does not know is known to the next. So entries of maps are
/// sorted, and a message with unknown fields has no fingerprint: it counts as the same.
/// </remarks>
internal static class MessageFingerprint
{
    private const long None = 0;

    private static readonly ConcurrentDictionary<MessageDescriptor, bool> HaveMaps = new();

    public static long Of(IMessage message)
    {
        var bytes = message.ToByteArray();
        var shape = MessageShapes.Plain.Of(message.Descriptor);
        if (HasUnknownFields(bytes, shape))
        {
            return None;
        }

        return HasMaps(message.Descriptor) ? Hash(WireOrder.Of(bytes, shape, sortsEntries: true)) : Hash(bytes);
    }

    /// <summary>Whether a recorded fingerprint may be that of a message.</summary>
    /// <param name="recorded">The recorded fingerprint. Releases before sorted no maps.</param>
    /// <param name="message">The message.</param>
    /// <param name="fingerprint">The fingerprint of the message.</param>
    public static bool Matches(long recorded, IMessage message, long fingerprint) =>
        recorded == fingerprint || recorded == None || fingerprint == None || (HasMaps(message.Descriptor) && recorded == Hash(message.ToByteArray()));

    private static long Hash(byte[] bytes) => unchecked((long)XxHash3.HashToUInt64(bytes)) is var hash && hash == None ? 1 : hash;

    private static bool HasMaps(MessageDescriptor type) =>
        HaveMaps.GetOrAdd(type, static type => MessageGraph.All(type).Any(inside => inside.Fields.InDeclarationOrder().Any(field => field.IsMap)));

    private static bool HasUnknownFields(ReadOnlySpan<byte> wire, MessageShape shape)
    {
        for (var reader = new WireReader(wire); !reader.IsAtEnd;)
        {
            var tag = reader.PeekTag();
            if (shape.FieldOf(tag) is not { } field)
            {
                return true;
            }

            if (field.Message is { } content && HasUnknownFields(ReadContent(ref reader, field), content))
            {
                return true;
            }

            if (field.Message is null)
            {
                reader.ReadRaw();
            }
        }

        return false;
    }

    private static ReadOnlySpan<byte> ReadContent(ref WireReader reader, FieldShape field)
    {
        reader.ReadVarint();
        return field.Type == FieldType.Group ? reader.ReadGroup(field.Number) : reader.ReadBytes();
    }
}
