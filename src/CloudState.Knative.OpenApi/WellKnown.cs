using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Microsoft.OpenApi;

namespace CloudState.Knative.OpenApi;

/// <summary>A type of google.protobuf that has a JSON form of its own.</summary>
/// <param name="Schema">Its JSON.</param>
/// <param name="IsText">Whether it can be a parameter of a query.</param>
internal sealed record WellKnown(Func<OpenApiSchema> Schema, bool IsText = true)
{
    private static readonly Dictionary<MessageDescriptor, WellKnown> All = new()
    {
        [Timestamp.Descriptor] = new(() => new() { Type = JsonSchemaType.String, Format = "date-time" }),
        [Duration.Descriptor] = new(() => new() { Type = JsonSchemaType.String, Pattern = @"^-?\d+(\.\d{1,9})?s$" }),
        [FieldMask.Descriptor] = new(() => new() { Type = JsonSchemaType.String }),
        [BoolValue.Descriptor] = Wrapper(FieldType.Bool),
        [StringValue.Descriptor] = Wrapper(FieldType.String),
        [BytesValue.Descriptor] = Wrapper(FieldType.Bytes),
        [Int32Value.Descriptor] = Wrapper(FieldType.Int32),
        [Int64Value.Descriptor] = Wrapper(FieldType.Int64),
        [UInt32Value.Descriptor] = Wrapper(FieldType.UInt32),
        [UInt64Value.Descriptor] = Wrapper(FieldType.UInt64),
        [FloatValue.Descriptor] = Wrapper(FieldType.Float),
        [DoubleValue.Descriptor] = Wrapper(FieldType.Double),
        [Struct.Descriptor] = new(() => new() { Type = JsonSchemaType.Object, AdditionalProperties = new OpenApiSchema() }, IsText: false),
        [ListValue.Descriptor] = new(() => new() { Type = JsonSchemaType.Array, Items = new OpenApiSchema() }, IsText: false),
        [Value.Descriptor] = new(() => new(), IsText: false),
        [Any.Descriptor] = new(AnySchema, IsText: false),
    };

    /// <summary>Null for other types.</summary>
    public static WellKnown? Find(MessageDescriptor type) => All.GetValueOrDefault(type);

    public static OpenApiSchema Scalar(FieldType type) => type switch
    {
        FieldType.Bool => new() { Type = JsonSchemaType.Boolean },
        FieldType.Float => new() { Type = JsonSchemaType.Number, Format = "float" },
        FieldType.Double => new() { Type = JsonSchemaType.Number, Format = "double" },
        FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32 => new() { Type = JsonSchemaType.Integer, Format = "int32" },
        FieldType.UInt32 or FieldType.Fixed32 => new() { Type = JsonSchemaType.Integer, Format = "int64", Minimum = "0" },

        // A number would lose digits in JavaScript.
        FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64 => new() { Type = JsonSchemaType.String, Format = "int64" },
        FieldType.UInt64 or FieldType.Fixed64 => new() { Type = JsonSchemaType.String, Format = "uint64" },
        FieldType.Bytes => new() { Type = JsonSchemaType.String, Format = "byte" },
        _ => new() { Type = JsonSchemaType.String },
    };

    private static WellKnown Wrapper(FieldType type) => new(() =>
    {
        var schema = Scalar(type);
        schema.Type |= JsonSchemaType.Null;
        return schema;
    });

    private static OpenApiSchema AnySchema() => new()
    {
        Type = JsonSchemaType.Object,
        Properties = new Dictionary<string, IOpenApiSchema> { ["@type"] = new OpenApiSchema { Type = JsonSchemaType.String } },
        AdditionalProperties = new OpenApiSchema(),
    };
}
