using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Protobuf;

/// <summary>
/// What is needed to turn messages of one type from protobuf's wire format into protobuf JSON and back without an object in between: the fields in the order
/// of their numbers, with their JSON names.
/// </summary>
/// <remarks>
/// Only types that <see cref="JsonFromWire"/> and <see cref="WireFromJson"/> handle in every detail have a shape: proto3, no maps, and of the well-known types,
/// which have JSON forms of their own, only Empty. For all others, protobuf's own classes are there.
/// </remarks>
internal sealed class MessageShape
{
    private static readonly ConcurrentDictionary<MessageDescriptor, MessageShape?> Known = new();

    private MessageShape()
    {
    }

    public FieldShape[] Fields { get; private set; } = [];

    /// <summary>Null for a type that is too peculiar.</summary>
    public static MessageShape? Of(MessageDescriptor descriptor) => Known.GetOrAdd(descriptor, Compile);

    /// <summary>The index of the field with this JSON name or original name; negative when there is none.</summary>
    public int IndexOf(ReadOnlySpan<byte> name)
    {
        var index = Fields.Length - 1;
        while (index >= 0 && !Fields[index].IsNamed(name))
        {
            index--;
        }

        return index;
    }

    private static MessageShape? Compile(MessageDescriptor descriptor)
    {
        var compiled = new Dictionary<MessageDescriptor, MessageShape>();
        return TryCompile(descriptor, compiled, out var shape) ? shape : null;
    }

    private static bool TryCompile(MessageDescriptor descriptor, Dictionary<MessageDescriptor, MessageShape> compiled, [NotNullWhen(true)] out MessageShape? shape)
    {
        // A type may contain itself.
        if (compiled.TryGetValue(descriptor, out shape))
        {
            return true;
        }

        if (!HasOrdinaryJson(descriptor))
        {
            return false;
        }

        compiled[descriptor] = shape = new MessageShape();
        var fields = descriptor.Fields.InFieldNumberOrder();
        shape.Fields = new FieldShape[fields.Count];
        for (var i = 0; i < fields.Count; i++)
        {
            var field = fields[i];
            MessageShape? content = null;
            if (field.IsMap || field.FieldType == FieldType.Group || (field.FieldType == FieldType.Message && !TryCompile(field.MessageType, compiled, out content)))
            {
                return false;
            }

            shape.Fields[i] = new FieldShape(field, content);
        }

        return true;
    }

    private static bool HasOrdinaryJson(MessageDescriptor descriptor) =>
        descriptor.File.ToProto().Syntax == "proto3"
        && descriptor.Fields.InDeclarationOrder().Count <= FieldShape.MaxCount
        && (descriptor.File.Package != Empty.Descriptor.File.Package || descriptor == Empty.Descriptor);
}
