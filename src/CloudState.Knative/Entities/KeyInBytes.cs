using CloudState.Knative.Protobuf;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Entities;

/// <summary>A key field in the bytes of a message that has no generated class.</summary>
internal static class KeyInBytes
{
    /// <summary>The value: a string or an integer; null if the field is not there.</summary>
    /// <exception cref="InvalidProtocolBufferException">The bytes are no message.</exception>
    public static object? Read(FieldDescriptor field, ByteString message)
    {
        var input = message.CreateCodedInput();
        object? value = null;
        while (input.ReadTag() is not 0 and var tag)
        {
            if (WireFormat.GetTagFieldNumber(tag) == field.FieldNumber)
            {
                value = ReadValue(field, input);
            }
            else
            {
                input.SkipLastField();
            }
        }

        return value;
    }

    /// <summary>The field with a value, as bytes.</summary>
    public static byte[] Write(FieldDescriptor field, object value)
    {
        using var bytes = new MemoryStream();
        using var output = new CodedOutputStream(bytes);
        output.WriteTag(field.FieldNumber, FieldShape.WireTypeOf(field.FieldType));
        switch (field.FieldType)
        {
            case FieldType.String: output.WriteString((string)value); break;
            case FieldType.Int32: output.WriteInt32((int)value); break;
            case FieldType.SInt32: output.WriteSInt32((int)value); break;
            case FieldType.SFixed32: output.WriteSFixed32((int)value); break;
            case FieldType.UInt32: output.WriteUInt32((uint)value); break;
            case FieldType.Fixed32: output.WriteFixed32((uint)value); break;
            case FieldType.Int64: output.WriteInt64((long)value); break;
            case FieldType.SInt64: output.WriteSInt64((long)value); break;
            case FieldType.SFixed64: output.WriteSFixed64((long)value); break;
            case FieldType.UInt64: output.WriteUInt64((ulong)value); break;
            case FieldType.Fixed64: output.WriteFixed64((ulong)value); break;
            default: throw CannotBeKey(field);
        }

        output.Flush();
        return bytes.ToArray();
    }

    private static object ReadValue(FieldDescriptor field, CodedInputStream input) => field.FieldType switch
    {
        FieldType.String => input.ReadString(),
        FieldType.Int32 => input.ReadInt32(),
        FieldType.SInt32 => input.ReadSInt32(),
        FieldType.SFixed32 => input.ReadSFixed32(),
        FieldType.UInt32 => input.ReadUInt32(),
        FieldType.Fixed32 => input.ReadFixed32(),
        FieldType.Int64 => input.ReadInt64(),
        FieldType.SInt64 => input.ReadSInt64(),
        FieldType.SFixed64 => input.ReadSFixed64(),
        FieldType.UInt64 => input.ReadUInt64(),
        FieldType.Fixed64 => input.ReadFixed64(),
        _ => throw CannotBeKey(field),
    };

    private static InvalidOperationException CannotBeKey(FieldDescriptor field) => new($"Field {field.FullName} cannot be a key.");
}
