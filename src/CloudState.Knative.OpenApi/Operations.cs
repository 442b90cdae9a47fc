using System.Net.Mime;
using Google.Api;
using Google.Protobuf.Reflection;
using Microsoft.OpenApi;

namespace CloudState.Knative.OpenApi;

/// <summary>Describes the calls of rpcs over HTTP.</summary>
internal sealed class Operations(OpenApiDocument document, MessageSchemas schemas)
{
    private const string EventStream = "text/event-stream";
    private const string Anything = "*/*";

    // As people write it; names of headers ignore case.
    private const string IdempotencyKey = "Idempotency-Key";

    // A message in a message in a message is as deep as one would want to write it into a query.
    private const int MaxQueryDepth = 3;

    /// <param name="rpc">The rpc.</param>
    /// <param name="binding">How it is reached.</param>
    /// <param name="number">The number of the binding among those of the rpc.</param>
    public OpenApiOperation Create(MethodDescriptor rpc, HttpBinding binding, int number)
    {
        var operation = new OpenApiOperation
        {
            OperationId = number == 0 ? $"{rpc.Service.Name}_{rpc.Name}" : $"{rpc.Service.Name}_{rpc.Name}_{number + 1}",
            Tags = new HashSet<OpenApiTagReference> { new(rpc.Service.FullName, document) },
            Parameters = [.. PathParameters(rpc.InputType, binding), .. QueryParameters(rpc.InputType, binding)],
            RequestBody = RequestBody(rpc.InputType, binding),
            Responses = new OpenApiResponses
            {
                ["200"] = Reply(rpc, binding),
                ["default"] = new OpenApiResponse { Description = "Why there is no reply.", Content = Json(schemas.Status()) },
            },
        };
        if (binding.Method != HttpMethod.Get && !rpc.IsServerStreaming)
        {
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = IdempotencyKey,
                In = ParameterLocation.Header,
                Description = "The id under which the call takes effect once, however often it is sent.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            });
        }

        return operation;
    }

    private IEnumerable<IOpenApiParameter> PathParameters(MessageDescriptor input, HttpBinding binding) => binding.PathFields.Select(path => new OpenApiParameter
    {
        Name = path,
        In = ParameterLocation.Path,
        Required = true,
        Schema = Find(input, path) is { } field ? schemas.OfOne(field) : new OpenApiSchema { Type = JsonSchemaType.String },
    });

    /// <summary>What is neither in the path nor in the body.</summary>
    private IEnumerable<IOpenApiParameter> QueryParameters(MessageDescriptor input, HttpBinding binding) =>
        binding.Body == "*" ? [] : QueryParameters(input, binding, path: "", name: "", depth: 1);

    /// <param name="type">Of a message in the input, or the input.</param>
    /// <param name="binding">How the rpc is reached.</param>
    /// <param name="path">Where in the input the message is, as in the .proto: empty, or ending with a dot.</param>
    /// <param name="name">The same with the names of JSON.</param>
    /// <param name="depth">How many messages are around the fields.</param>
    private IEnumerable<IOpenApiParameter> QueryParameters(MessageDescriptor type, HttpBinding binding, string path, string name, int depth)
    {
        foreach (var field in type.Fields.InDeclarationOrder())
        {
            var fieldPath = path + field.Name;
            if (binding.PathFields.Contains(fieldPath) || fieldPath == binding.Body || field.IsMap)
            {
                continue;
            }

            if (field.FieldType != FieldType.Message || WellKnown.Find(field.MessageType) is { IsText: true })
            {
                yield return new OpenApiParameter { Name = name + field.JsonName, In = ParameterLocation.Query, Schema = schemas.Of(field) };
            }
            else if (!field.IsRepeated && depth < MaxQueryDepth && WellKnown.Find(field.MessageType) is null)
            {
                foreach (var inner in QueryParameters(field.MessageType, binding, $"{fieldPath}.", $"{name}{field.JsonName}.", depth + 1))
                {
                    yield return inner;
                }
            }
        }
    }

    private OpenApiRequestBody? RequestBody(MessageDescriptor input, HttpBinding binding) => binding.Body switch
    {
        "" => null,
        "*" when input == HttpBody.Descriptor => new() { Required = true, Content = Raw() },
        "*" => new() { Required = true, Content = Json(schemas.Without(input, binding.PathFields)) },
        var name => new() { Required = true, Content = Content(input.FindFieldByName(name)) },
    };

    private OpenApiResponse Reply(MethodDescriptor rpc, HttpBinding binding)
    {
        var content = binding.ResponseBody.Length > 0 ? Content(rpc.OutputType.FindFieldByName(binding.ResponseBody))
            : rpc.OutputType == HttpBody.Descriptor ? Raw()
            : Json(schemas.Of(rpc.OutputType));
        if (!rpc.IsServerStreaming)
        {
            return new() { Description = "The reply.", Content = content };
        }

        content[EventStream] = new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String } };
        return new()
        {
            Description = "A stream of replies: one in each line, or for clients that accept it an event each (Server-Sent Events).",
            Content = content,
        };
    }

    private Dictionary<string, IOpenApiMediaType> Content(FieldDescriptor? field) => field switch
    {
        null => Raw(),
        { FieldType: FieldType.Message, IsRepeated: false } when field.MessageType == HttpBody.Descriptor => Raw(),
        _ => Json(schemas.Of(field)),
    };

    private static Dictionary<string, IOpenApiMediaType> Json(IOpenApiSchema schema) => new() { [MediaTypeNames.Application.Json] = new OpenApiMediaType { Schema = schema } };

    private static Dictionary<string, IOpenApiMediaType> Raw() => new() { [Anything] = new OpenApiMediaType { Schema = new OpenApiSchema() } };

    private static FieldDescriptor? Find(MessageDescriptor input, string path)
    {
        FieldDescriptor? field = null;
        foreach (var name in path.Split('.'))
        {
            field = (field is null ? input : field.MessageType).FindFieldByName(name);
            if (field is null)
            {
                return null;
            }
        }

        return field;
    }
}
