using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Protobuf;

/// <summary>One field of a <see cref="MessageShape"/>.</summary>
internal sealed class FieldShape
{
    /// <summary>How many fields a message may have: their presence is kept in the bits of one word.</summary>
    public const int MaxCount = 64;

    private readonly byte[] _jsonName;
    private readonly byte[] _protoName;
    private readonly EnumDescriptor? _enum;

    public FieldShape(FieldDescriptor field, MessageShape? message)
    {
        Number = field.FieldNumber;
        Type = field.FieldType;
        IsRepeated = field.IsRepeated;
        HasPresence = field.HasPresence;
        IsOneof = field.RealContainingOneof is not null;
        Message = message;
        Name = JsonEncodedText.Encode(field.JsonName, JavaScriptEncoder.UnsafeRelaxedJsonEscaping);
        WireType = WireTypeOf(Type);
        _jsonName = Encoding.UTF8.GetBytes(field.JsonName);
        _protoName = Encoding.UTF8.GetBytes(field.Name);
        _enum = Type == FieldType.Enum ? field.EnumType : null;
    }

    public int Number { get; }

    public FieldType Type { get; }

    public bool IsRepeated { get; }

    /// <summary>Whether a value that is not there differs from the default value.</summary>
    public bool HasPresence { get; }

    public bool IsOneof { get; }

    /// <summary>Of the field's messages; null when it holds none.</summary>
    public MessageShape? Message { get; }

    public JsonEncodedText Name { get; }

    /// <summary>Of one value.</summary>
    public WireFormat.WireType WireType { get; }

    public bool IsNamed(ReadOnlySpan<byte> name) => name.SequenceEqual(_jsonName) || name.SequenceEqual(_protoName);

    /// <summary>The name of an enum value; null when it has none.</summary>
    public string? EnumName(int number) => _enum!.FindValueByNumber(number)?.Name;

    public int? EnumNumber(string name) => _enum!.FindValueByName(name)?.Number;

    public static WireFormat.WireType WireTypeOf(FieldType type) => type switch
    {
        FieldType.String or FieldType.Bytes or FieldType.Message => WireFormat.WireType.LengthDelimited,
        FieldType.Fixed32 or FieldType.SFixed32 or FieldType.Float => WireFormat.WireType.Fixed32,
        FieldType.Fixed64 or FieldType.SFixed64 or FieldType.Double => WireFormat.WireType.Fixed64,
        _ => WireFormat.WireType.Varint,
    };
}
