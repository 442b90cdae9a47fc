using System.Buffers;
using System.Text;
using CloudState.Knative.Dispatch;
using CloudState.Knative.Protobuf;
using Google.Api;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace CloudState.Knative.Rest;

/// <summary>How an rpc's message is read from an ordinary request, and its reply written: the body is the message, and segments of the path are text fields of it.</summary>
internal sealed class RestBinding
{
    /// <summary>Larger bodies are read as they come, by JSON transcoding. In bytes.</summary>
    public const int MaxBodySize = 16 * 1024;

    private const int OnStack = 512;

    private readonly MessageShape _input;
    private readonly MessageShape _output;
    private readonly (string Segment, FieldDescriptor Field)[] _pathFields;

    private RestBinding(LocalRpc rpc, MessageShape input, MessageShape output, FieldDescriptor[] pathFields, bool takesBody)
    {
        Rpc = rpc;
        TakesBody = takesBody;
        _input = input;
        _output = output;
        _pathFields = Array.ConvertAll(pathFields, field => (field.Name, field));
    }

    public LocalRpc Rpc { get; }

    public bool TakesBody { get; }

    /// <summary>Null when the rule of the rpc asks for more than this.</summary>
    public static RestBinding? TryCreate(LocalRpc answered, HttpRule rule, RoutePattern route)
    {
        var rpc = answered.Rpc;
        if (rpc.IsClientStreaming || rpc.IsServerStreaming || rule.ResponseBody.Length > 0 || rule.Body is not ("" or "*")
            || !WireFromJson.IsPlain(rpc.InputType) || !WireFromJson.IsPlain(rpc.OutputType))
        {
            return null;
        }

        // "{name=shelves/*}" and "{id}:checkout" become routes with parameters of other names, or with more than a parameter in a segment.
        var fields = route.Parameters.Select(parameter => rpc.InputType.FindFieldByName(parameter.Name)).ToArray();
        var isPlain = route.PathSegments.All(segment => segment.IsSimple)
            && route.Parameters.All(parameter => !parameter.IsCatchAll && route.ParameterPolicies.Count == 0)
            && fields.All(field => field is { FieldType: FieldType.String, IsRepeated: false, RealContainingOneof: null });
        return isPlain ? new RestBinding(answered, MessageShapes.Plain.Of(rpc.InputType), MessageShapes.Plain.Of(rpc.OutputType), fields!, takesBody: rule.Body == "*") : null;
    }

    /// <summary>Null when the body is not what <see cref="WireFromJson"/> takes.</summary>
    public IMessage? ReadMessage(ReadOnlySequence<byte> body, RouteValueDictionary path)
    {
        var wire = new WireWriter(stackalloc byte[OnStack]);
        try
        {
            if (TakesBody && !(body.IsSingleSegment ? WireFromJson.TryWrite(body.FirstSpan, _input, ref wire) : WireFromJson.TryWrite(body.ToArray(), _input, ref wire)))
            {
                return null;
            }

            // After the body, so that they count: of a field that occurs twice a parser takes the last.
            foreach (var (segment, field) in _pathFields)
            {
                var value = (string?)path[segment] ?? "";
                wire.WriteTag(field.FieldNumber, WireFormat.WireType.LengthDelimited);
                var start = wire.BeginDelimited();
                wire.Advance(Encoding.UTF8.GetBytes(value, wire.Reserve(Encoding.UTF8.GetMaxByteCount(value.Length))));
                wire.EndDelimited(start);
            }

            return Rpc.Rpc.InputType.Parse(wire.Written);
        }
        finally
        {
            wire.Dispose();
        }
    }

    public byte[] WriteReply(IMessage reply, int size) => MessageJson.Write(reply, size, _output, JsonStyle.Client);
}
