using System.Text.RegularExpressions;
using CloudState.Knative.Protobuf;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Type = Google.Protobuf.Reflection.FieldDescriptorProto.Types.Type;

namespace CloudState.Knative.UnitTests.Protobuf;

/// <summary>
/// One revision of a service: its messages, of which the first is stored. They have no classes, so that a test can have as many revisions of a message as
/// it needs. Written as in a .proto, where it matters: <c>message Book { string title = 2; map&lt;string, Page&gt; pages = 3; } enum Kind { NOVEL = 0; }</c>
/// </summary>
public sealed partial class Revision
{
    private readonly MessageDescriptor _stored;

    public Revision(string proto, params string[] formerNames)
    {
        var file = new FileDescriptorProto { Name = $"{Guid.NewGuid():N}.proto", Package = "t", Syntax = "proto3" };
        var enums = Declarations().Matches(proto).Where(found => found.Groups["kind"].Value == "enum").Select(found => found.Groups["name"].Value).ToHashSet();
        foreach (Match declaration in Declarations().Matches(proto))
        {
            var (name, body) = (declaration.Groups["name"].Value, declaration.Groups["body"].Value);
            if (enums.Contains(name))
            {
                file.EnumType.Add(new EnumDescriptorProto
                {
                    Name = name,
                    Value = { EnumValues().Matches(body).Select(value => new EnumValueDescriptorProto { Name = value.Groups[1].Value, Number = int.Parse(value.Groups[2].Value) }) },
                });
            }
            else
            {
                file.MessageType.Add(MessageOf(name, body, enums));
            }
        }

        _stored = FileDescriptor.BuildFromByteStrings([file.ToByteString()])[0].MessageTypes[0];
        Types = new StoredTypes([new StoredTypeUse(_stored, formerNames)]);
    }

    internal StoredTypes Types { get; }

    internal MessageDescriptor Stored => _stored;

    /// <summary>Learns what another revision has recorded, and returns the record that is there afterwards.</summary>
    public string Learn(string? record = null) => Types.Shapes.Learn(record)?.ToJson() ?? record!;

    /// <summary>Reads stored JSON, and stores it again.</summary>
    public string StoredAgain(string json) => Types.ToJsonText(Types.FromJson(_stored.FullName, json));

    /// <summary>The message that stored JSON is.</summary>
    public ByteString Read(string json) => ((MessageBytes)Types.FromJson(_stored.FullName, json)).Bytes;

    /// <summary>Stores a message that it gets as bytes, as those of calls, timers and remembered replies are stored.</summary>
    public string StoredFrom(ByteString bytes) => Types.ToJsonText(new MessageBytes(_stored, bytes));

    private static DescriptorProto MessageOf(string name, string body, HashSet<string> enums)
    {
        var message = new DescriptorProto { Name = name };
        message.ReservedName.AddRange(Reserved().Matches(body).Select(reserved => reserved.Groups[1].Value));
        foreach (Match found in Fields().Matches(body))
        {
            var field = new FieldDescriptorProto { Name = found.Groups["name"].Value, Number = int.Parse(found.Groups["number"].Value), Label = FieldDescriptorProto.Types.Label.Optional };
            field.JsonName = field.Name;
            message.Field.Add(field);
            if (found.Groups["label"].Value == "repeated")
            {
                field.Label = FieldDescriptorProto.Types.Label.Repeated;
            }
            else if (found.Groups["label"].Value is { Length: > 0 } choice)
            {
                if (message.OneofDecl.Count == 0)
                {
                    message.OneofDecl.Add(new OneofDescriptorProto { Name = "choice" });
                }

                field.OneofIndex = 0;
                field.Proto3Optional = choice == "optional";
            }

            if (found.Groups["key"].Value is { Length: > 0 } key)
            {
                var entry = new DescriptorProto { Name = $"{char.ToUpperInvariant(field.Name[0])}{field.Name[1..]}Entry", Options = new MessageOptions { MapEntry = true } };
                entry.Field.Add(new FieldDescriptorProto { Name = "key", JsonName = "key", Number = 1, Label = FieldDescriptorProto.Types.Label.Optional });
                entry.Field.Add(new FieldDescriptorProto { Name = "value", JsonName = "value", Number = 2, Label = FieldDescriptorProto.Types.Label.Optional });
                SetType(entry.Field[0], key, enums);
                SetType(entry.Field[1], found.Groups["type"].Value, enums);
                message.NestedType.Add(entry);
                (field.Label, field.Type, field.TypeName) = (FieldDescriptorProto.Types.Label.Repeated, Type.Message, $".t.{name}.{entry.Name}");
            }
            else
            {
                SetType(field, found.Groups["type"].Value, enums);
            }
        }

        return message;
    }

    private static void SetType(FieldDescriptorProto field, string type, HashSet<string> enums)
    {
        if (Enum.TryParse<Type>(type, ignoreCase: true, out var scalar))
        {
            field.Type = scalar;
        }
        else
        {
            (field.Type, field.TypeName) = (enums.Contains(type) ? Type.Enum : Type.Message, $".t.{type}");
        }
    }

    [GeneratedRegex(@"(?<kind>message|enum) (?<name>\w+) \{(?<body>[^}]*)\}")]
    private static partial Regex Declarations();

    [GeneratedRegex(@"(\w+) = (-?\d+);")]
    private static partial Regex EnumValues();

    [GeneratedRegex(@"reserved ""(\w+)"";")]
    private static partial Regex Reserved();

    [GeneratedRegex(@"(?:(?<label>repeated|optional|oneof) )?(?:map<(?<key>\w+), (?<type>\w+)>|(?<type>\w+)) (?<name>\w+) = (?<number>\d+);")]
    private static partial Regex Fields();
}
