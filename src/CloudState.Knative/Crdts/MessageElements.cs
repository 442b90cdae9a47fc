using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Crdts;

/// <summary>Messages as elements. The same message must have the same bytes in all processes, also in those of another revision.</summary>
internal static class MessageElements
{
    /// <exception cref="EntityDefinitionException">A map is somewhere in the message.</exception>
    public static ElementCodec<T> Of<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] T>()
        where T : notnull
    {
        var type = ((IMessage)Activator.CreateInstance<T>()).Descriptor;
        CheckOrder(type);
        var shape = MessageShapes.Plain.Of(type);
        return new(
            message => Write((IMessage)message, shape),
            bytes => (T)type.Parser.ParseFrom(bytes),
            message => JsonFormatter.Default.Format((IMessage)message),
            (json, message) => json.WriteRawValue(JsonFormatter.Default.Format((IMessage)message)));
    }

    /// <exception cref="UnstorableDataException">The message is too deep to be read again.</exception>
    private static ByteString Write(IMessage message, MessageShape shape)
    {
        MessageDepth.Check(message);

        // Generated code writes fields that it does not know last; a revision that knows them writes them in their place.
        return UnsafeByteOperations.UnsafeWrap(WireOrder.Of(message.ToByteArray(), shape));
    }

    private static void CheckOrder(MessageDescriptor type)
    {
        if (MessageGraph.All(type).SelectMany(inside => inside.Fields.InDeclarationOrder()).FirstOrDefault(field => field.IsMap) is { } map)
        {
            throw new EntityDefinitionException(
                $"A {type.FullName} can be no element, key or value of a register: {map.FullName} is a map, " +
                "whose entries have no order, so that the same message has different bytes. Use a repeated field.");
        }
    }
}
