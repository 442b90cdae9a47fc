using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Protobuf;

/// <summary>One field of a <see cref="MessageShape"/>.</summary>
internal sealed class FieldShape
{
    private readonly byte[] _jsonName;
    private readonly byte[] _protoName;
    private readonly Func<MessageShape?> _findMessage;
    private MessageShape? _message;

    private FieldShape(int number, FieldType type, string name, string protoName, Func<MessageShape?> findMessage)
    {
        _jsonName = Encoding.UTF8.GetBytes(name);
        _protoName = Encoding.UTF8.GetBytes(protoName);
        Number = number;
        Type = type;
        JsonName = name;
        Name = JsonEncodedText.Encode(name, JavaScriptEncoder.UnsafeRelaxedJsonEscaping);
        WireType = WireTypeOf(type);
        _findMessage = findMessage;
    }

    public int Number { get; }

    public FieldType Type { get; }

    public bool IsRepeated { get; private init; }

    /// <summary>Whether the messages of the field are the entries of a map.</summary>
    public bool IsMap { get; private init; }

    /// <summary>Whether a value that is not there differs from the default value.</summary>
    public bool HasPresence { get; private init; }

    public bool IsOneof { get; private init; }

    /// <summary>Of the field's messages; null when it holds none.</summary>
    public MessageShape? Message => _message ??= _findMessage();

    /// <summary>Of the field's enum; null when it holds none.</summary>
    public EnumShape? Enum { get; private init; }

    public string JsonName { get; }

    public JsonEncodedText Name { get; }

    /// <summary>Of one value.</summary>
    public WireFormat.WireType WireType { get; }

    /// <summary>Whether values of a wire type are values of the field: one by one, or packed.</summary>
    public bool Holds(WireFormat.WireType type) =>
        type == WireType || (IsRepeated && type == WireFormat.WireType.LengthDelimited && Type is not FieldType.Group);

    public bool IsNamed(ReadOnlySpan<byte> name) => name.SequenceEqual(_jsonName);

    /// <summary>Whether clients may call it so: by its name in JSON or in the .proto.</summary>
    public bool IsCalled(ReadOnlySpan<byte> name) => name.SequenceEqual(_jsonName) || name.SequenceEqual(_protoName);

    /// <param name="field">The field.</param>
    /// <param name="name">Its name in JSON.</param>
    /// <param name="shapes">The shapes of the messages in it.</param>
    public static FieldShape Of(FieldDescriptor field, string name, MessageShapes shapes) =>
        new(field.FieldNumber, field.FieldType, name, field.Name, () => field.FieldType is FieldType.Message or FieldType.Group ? shapes.Of(field.MessageType) : null)
        {
            IsRepeated = field.IsRepeated,
            IsMap = field.IsMap,
            HasPresence = field.HasPresence,
            IsOneof = field.RealContainingOneof is not null,
            Enum = field.FieldType == FieldType.Enum ? shapes.Of(field.EnumType) : null,
        };

    /// <summary>A field as it was, or as a newer revision has it.</summary>
    public static FieldShape Of(FieldNames recorded, MessageShapes shapes)
    {
        var type = recorded.FieldType();
        return new(recorded.Number, type, recorded.Name, recorded.Name, () => type is FieldType.Message or FieldType.Group ? shapes.Find(recorded.Of) : null)
        {
            IsRepeated = recorded.Repeated,
            IsMap = recorded.Map,
            HasPresence = true,
            Enum = type == FieldType.Enum ? shapes.FindEnum(recorded.Of) : null,
        };
    }

    public static WireFormat.WireType WireTypeOf(FieldType type) => type switch
    {
        FieldType.String or FieldType.Bytes or FieldType.Message => WireFormat.WireType.LengthDelimited,
        FieldType.Fixed32 or FieldType.SFixed32 or FieldType.Float => WireFormat.WireType.Fixed32,
        FieldType.Fixed64 or FieldType.SFixed64 or FieldType.Double => WireFormat.WireType.Fixed64,
        FieldType.Group => WireFormat.WireType.StartGroup,
        _ => WireFormat.WireType.Varint,
    };
}
