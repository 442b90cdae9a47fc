using System.Collections.Concurrent;
using System.Text.Json;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Protobuf;

/// <summary>
/// Refuses messages that protobuf's parsers would not read, before anything is stored or sent to another pod: JSON, and code, can make them.
/// </summary>
internal static class MessageDepth
{
    /// <summary>How many objects and lists System.Text.Json writes in one another, unless it is told otherwise: it fails at a depth of 64.</summary>
    private const int MaxJsonLevels = 63;

    private static readonly ConcurrentDictionary<MessageDescriptor, bool> Recursive = new();

    /// <exception cref="UnstorableDataException">The message is too deep.</exception>
    public static void Check(IMessage message)
    {
        if (!MayBeDeep(message.Descriptor))
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

    /// <exception cref="UnstorableDataException">The message is too deep for other writers of JSON than this library's.</exception>
    public static void CheckJson(IMessage message, MessageShapes shapes)
    {
        if (!MayBeDeep(message.Descriptor))
        {
            return;
        }

        var json = new Utf8JsonReader(MessageJson.Write(message, shapes.Of(message.Descriptor), JsonStyle.Client), new JsonReaderOptions { MaxDepth = MaxJsonLevels });
        try
        {
            while (json.Read())
            {
            }
        }
        catch (JsonException tooDeep)
        {
            throw new UnstorableDataException($"It has more than {MaxJsonLevels} objects and lists in one another.", tooDeep);
        }
    }

    /// <summary>Messages of other types are as deep as their .proto.</summary>
    private static bool MayBeDeep(MessageDescriptor type) =>
        Recursive.GetOrAdd(type, static type => MessageGraph.All(type).Any(inside => MessageGraph.Inside(inside).Contains(inside)));
}
