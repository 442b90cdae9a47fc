using Google.Protobuf.Reflection;

namespace CloudState.Knative.Protobuf;

/// <summary>Which messages may be in a message.</summary>
internal static class MessageGraph
{
    /// <summary>The types of all messages that one of this type may hold, at any depth; its own only if it may be inside of itself.</summary>
    public static IReadOnlySet<MessageDescriptor> Inside(MessageDescriptor type)
    {
        var inside = new HashSet<MessageDescriptor>();
        Add(type);
        return inside;

        void Add(MessageDescriptor around)
        {
            foreach (var field in around.Fields.InDeclarationOrder())
            {
                if (field.FieldType is FieldType.Message or FieldType.Group && inside.Add(field.MessageType))
                {
                    Add(field.MessageType);
                }
            }
        }
    }

    /// <summary>The type, and those <see cref="Inside"/> of it.</summary>
    public static IEnumerable<MessageDescriptor> All(MessageDescriptor type) => Inside(type).Append(type);
}
