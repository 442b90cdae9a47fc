using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Microsoft.OpenApi;

namespace CloudState.Knative.OpenApi;

/// <summary>Messages and enums as JSON schemas, in protobuf's JSON mapping: a component each, under their full names.</summary>
internal sealed class MessageSchemas(OpenApiDocument document)
{
    private const string StatusName = "google.rpc.Status";

    public IOpenApiSchema Of(MessageDescriptor type) =>
        WellKnown.Find(type) is { } wellKnown ? wellKnown.Schema() : Component(type.FullName, () => Object(type.Fields.InDeclarationOrder()));

    /// <summary>Of a message, without fields that come another way.</summary>
    public IOpenApiSchema Without(MessageDescriptor type, IReadOnlyList<string> fields) =>
        fields.Count == 0 ? Of(type) : Object(type.Fields.InDeclarationOrder().Where(field => !fields.Contains(field.Name)));

    /// <summary>A list or a map, if it is one.</summary>
    public IOpenApiSchema Of(FieldDescriptor field) => field switch
    {
        { IsMap: true } => new OpenApiSchema { Type = JsonSchemaType.Object, AdditionalProperties = OfOne(field.MessageType.FindFieldByNumber(2)) },
        { IsRepeated: true } => new OpenApiSchema { Type = JsonSchemaType.Array, Items = OfOne(field) },
        _ => OfOne(field),
    };

    /// <summary>Of one value of a field.</summary>
    public IOpenApiSchema OfOne(FieldDescriptor field) => field.FieldType switch
    {
        FieldType.Message or FieldType.Group => Of(field.MessageType),
        FieldType.Enum => Of(field.EnumType),
        var type => WellKnown.Scalar(type),
    };

    /// <summary>What an answer without a reply holds.</summary>
    public IOpenApiSchema Status() => Component(StatusName, () => new OpenApiSchema
    {
        Type = JsonSchemaType.Object,
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["code"] = new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int32", Description = "A status code of gRPC." },
            ["message"] = new OpenApiSchema { Type = JsonSchemaType.String },
            ["details"] = new OpenApiSchema { Type = JsonSchemaType.Array, Items = Of(Any.Descriptor) },
        },
    });

    private IOpenApiSchema Of(EnumDescriptor type) => type.FullName == "google.protobuf.NullValue"
        ? new OpenApiSchema { Type = JsonSchemaType.Null }
        : Component(type.FullName, () => new OpenApiSchema { Type = JsonSchemaType.String, Enum = [.. type.Values.Select(value => JsonValue.Create(value.Name))] });

    private OpenApiSchema Object(IEnumerable<FieldDescriptor> fields) => new()
    {
        Type = JsonSchemaType.Object,
        Properties = fields.ToDictionary(field => field.JsonName, Of),
    };

    private OpenApiSchemaReference Component(string name, Func<OpenApiSchema> create)
    {
        var schemas = document.Components!.Schemas!;
        if (!schemas.ContainsKey(name))
        {
            // Before its fields, which may be of the same type.
            schemas[name] = new OpenApiSchema();
            schemas[name] = create();
        }

        return new OpenApiSchemaReference(name, document);
    }
}
