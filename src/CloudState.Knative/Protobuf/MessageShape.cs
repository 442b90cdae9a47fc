using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Protobuf;

/// <summary>What messages of a type look like as JSON.</summary>
internal enum MessageForm
{
    /// <summary>An object with the fields.</summary>
    Object,

    /// <summary>A text with a syntax of its own: <see cref="Timestamp"/>, <see cref="Duration"/>, <see cref="FieldMask"/>.</summary>
    Text,

    /// <summary>The value in it, like <see cref="Int32Value"/>.</summary>
    Wrapper,

    /// <summary><see cref="Google.Protobuf.WellKnownTypes.Struct"/>: an object of any JSON.</summary>
    Struct,

    /// <summary><see cref="Google.Protobuf.WellKnownTypes.Value"/>: any JSON.</summary>
    Value,

    /// <summary><see cref="ListValue"/>.</summary>
    List,

    /// <summary><see cref="Google.Protobuf.WellKnownTypes.Any"/>: the message in it, and its type.</summary>
    Any,
}

/// <summary>
/// What is needed to turn messages of one type from protobuf's wire format into protobuf JSON and back without an object in between: the fields in the order
/// of their numbers, with their JSON names. Made by <see cref="MessageShapes"/>.
/// </summary>
internal sealed class MessageShape
{
    private readonly MessageShapes _shapes;
    private readonly Dictionary<string, FieldShape[]> _byName = [];
    private readonly Dictionary<string, FieldShape[]>.AlternateLookup<ReadOnlySpan<char>> _byNameInText;

    /// <param name="name">Of the message, in full.</param>
    /// <param name="descriptor">The message of today; null if this revision does not have it.</param>
    /// <param name="fields">The fields of today, in the order of their numbers.</param>
    /// <param name="recorded">The fields as they were, and as newer revisions have them.</param>
    /// <param name="shapes">Of other messages.</param>
    public MessageShape(string name, MessageDescriptor? descriptor, FieldShape[] fields, IReadOnlyList<FieldShape> recorded, MessageShapes shapes)
    {
        _shapes = shapes;
        (Name, Descriptor, Fields, Form) = (name, descriptor, fields, FormOf(name));
        var current = fields.ToDictionary(field => field.Number);
        OtherFields = [.. recorded.Where(field => !current.ContainsKey(field.Number))];
        foreach (var field in fields)
        {
            _byName.Add(field.JsonName, CandidatesFor(field, recorded));
        }

        foreach (var sameName in recorded.GroupBy(former => former.JsonName))
        {
            var former = sameName.Last();
            _byName.TryAdd(sameName.Key,
                !current.TryGetValue(former.Number, out var field) ? [.. recorded.Where(other => other.Number == former.Number).Reverse()]
                : NameRecord.IsAmbiguous(former.Type, field.Type) ? [former]
                : CandidatesFor(field, recorded));
        }

        foreach (var field in descriptor?.Fields.InDeclarationOrder() ?? [])
        {
            _byName.TryAdd(field.Name, CandidatesFor(current[field.FieldNumber], recorded));
        }

        _byNameInText = _byName.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public string Name { get; }

    public MessageDescriptor? Descriptor { get; }

    public MessageForm Form { get; }

    public FieldShape[] Fields { get; }

    /// <summary>Of other revisions only.</summary>
    public FieldShape[] OtherFields { get; }

    /// <summary>What a name in JSON may mean, the likeliest first; none for a name that was never given.</summary>
    public FieldShape[] Find(ReadOnlySpan<byte> name)
    {
        Span<char> text = stackalloc char[128];
        return Encoding.UTF8.TryGetChars(name, text, out var length)
            ? _byNameInText.TryGetValue(text[..length], out var found) ? found : []
            : _byName.GetValueOrDefault(Encoding.UTF8.GetString(name)) ?? [];
    }

    /// <summary>The key of the entry of a map.</summary>
    public FieldShape Key => Descriptor is null ? OtherFields.First(other => other.Number == 1) : Fields[0];

    /// <summary>The value of the entry of a map.</summary>
    public FieldShape Value => Descriptor is null ? OtherFields.First(other => other.Number == 2) : Fields[1];

    /// <summary>The index among the fields of today of the one that clients may call so; negative when there is none.</summary>
    public int IndexOf(ReadOnlySpan<byte> name)
    {
        var index = Fields.Length - 1;
        while (index >= 0 && !Fields[index].IsCalled(name))
        {
            index--;
        }

        return index;
    }

    /// <summary>The field of today whose values may have a tag; null if there is none.</summary>
    public FieldShape? FieldOf(uint tag)
    {
        foreach (var field in Fields)
        {
            if (field.Number == WireFormat.GetTagFieldNumber(tag))
            {
                return field.Holds(WireFormat.GetTagWireType(tag)) ? field : null;
            }
        }

        return null;
    }

    /// <summary>The shape of what an <c>Any</c> with this type holds; null if it is not known.</summary>
    public MessageShape? FindInAny(string typeUrl) => _shapes.Find(typeUrl[(typeUrl.LastIndexOf('/') + 1)..]);

    /// <summary>Whether the message says that a name is one of the past.</summary>
    public bool IsReserved(string name) => Descriptor?.ToProto().ReservedName.Contains(name) == true;

    /// <summary>What a field is today, and what it was, where that looks different in JSON: an enum value's name that stands for what is a number today, say.</summary>
    private static FieldShape[] CandidatesFor(FieldShape field, IEnumerable<FieldShape> recorded) =>
    [
        field,
        .. recorded.Where(former => former.Number == field.Number && (former.Type is FieldType.Enum or FieldType.Message or FieldType.Bytes) && !NameRecord.IsAmbiguous(former.Type, field.Type)),
    ];

    private static MessageForm FormOf(string name) => name switch
    {
        "google.protobuf.Timestamp" or "google.protobuf.Duration" or "google.protobuf.FieldMask" => MessageForm.Text,
        "google.protobuf.DoubleValue" or "google.protobuf.FloatValue" or "google.protobuf.Int64Value" or "google.protobuf.UInt64Value"
            or "google.protobuf.Int32Value" or "google.protobuf.UInt32Value" or "google.protobuf.BoolValue" or "google.protobuf.StringValue"
            or "google.protobuf.BytesValue" => MessageForm.Wrapper,
        "google.protobuf.Struct" => MessageForm.Struct,
        "google.protobuf.Value" => MessageForm.Value,
        "google.protobuf.ListValue" => MessageForm.List,
        "google.protobuf.Any" => MessageForm.Any,
        _ => MessageForm.Object,
    };
}
