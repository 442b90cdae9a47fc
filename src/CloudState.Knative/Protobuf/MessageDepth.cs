using System.Collections.Concurrent;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Protobuf;

/// <summary>
/// Refuses messages that protobuf's parsers would not read, before anything is stored or sent to another pod: JSON, and code, can make them.
/// </summary>
internal static class MessageDepth
{
    private static readonly ConcurrentDictionary<MessageDescriptor, bool> Recursive = new();

    /// <exception cref="UnstorableDataException">The message is too deep.</exception>
    public static void Check(IMessage message)
    {
        // Messages of other types are as deep as their .proto.
        if (!Recursive.GetOrAdd(message.Descriptor, static type => MessageGraph.All(type).Any(inside => MessageGraph.Inside(inside).Contains(inside))))
        {
            return;
        }

        try
        {
            message.Descriptor.Parse(message.ToByteString());
        }
        catch (InvalidProtocolBufferException tooDeep)
        {
            throw new UnstorableDataException($"{message.Descriptor.FullName} cannot be read: {tooDeep.Message} At most {JsonFromWire.MaxDepth} messages may be in one another.", tooDeep);
        }
    }
}
