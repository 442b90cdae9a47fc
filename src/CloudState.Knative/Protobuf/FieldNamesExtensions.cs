using Google.Protobuf.Reflection;
using Kind = Google.Protobuf.Reflection.FieldType;

namespace CloudState.Knative.Protobuf;

/// <summary>What the record of names says about a field, and how it compares with what the field is today.</summary>
internal static class FieldNamesExtensions
{
    /// <summary>The type as a .proto has it.</summary>
    public static string Name(this Kind type) => type.ToString().ToLowerInvariant();

    public static Kind FieldType(this FieldNames field) => Enum.Parse<Kind>(field.Type, ignoreCase: true);

    /// <summary>The field as it is recorded.</summary>
    public static FieldNames Recorded(this FieldDescriptor field, string name) => new()
    {
        Number = field.FieldNumber,
        Name = name,
        Type = field.FieldType.Name(),
        Repeated = field.IsRepeated,
        Map = field.IsMap,
        Of = field.FieldType switch
        {
            Kind.Enum => field.EnumType.FullName,
            Kind.Message or Kind.Group => field.MessageType.FullName,
            _ => "",
        },
    };

    /// <summary>Whether protobuf reads the one as the other. Many packed numbers cannot be read as one.</summary>
    public static bool IsCompatibleWith(this FieldNames was, FieldNames today)
    {
        var (former, current) = (was.FieldType(), today.FieldType());
        return Family(former) == Family(current)
            && (former, current) is not ((Kind.String, Kind.Message)
                or (Kind.Message, Kind.String))
            && (!was.Repeated || today.Repeated || FieldShape.WireTypeOf(former) is Google.Protobuf.WireFormat.WireType.LengthDelimited);
    }

    public static string Described(this FieldNames field) =>
        (field.Map ? "a map" : field.Repeated ? "repeated " : "") + (field.Map ? "" : field.Of is { Length: > 0 } of ? of : field.Type);

    /// <summary>Types that have the same form on the wire.</summary>
    private static string Family(Kind type) => type switch
    {
        Kind.Int32 or Kind.UInt32 or Kind.Int64
            or Kind.UInt64 or Kind.Bool or Kind.Enum => "varint",
        Kind.SInt32 or Kind.SInt64 => "zigzag",
        Kind.Fixed32 or Kind.SFixed32 => "fixed32",
        Kind.Fixed64 or Kind.SFixed64 => "fixed64",
        Kind.String or Kind.Bytes or Kind.Message => "length",
        _ => type.Name(),
    };
}
