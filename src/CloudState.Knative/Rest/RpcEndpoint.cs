using CloudState.Knative.Calls;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;

namespace CloudState.Knative.Rest;

/// <summary>
/// Serves an rpc without an HTTP rule where gRPC serves it, <c>POST /package.Service/Method</c>, for those who send JSON, as Cloudstate did.
/// JSON transcoding does not know such rpcs. All other content types are gRPC's.
/// </summary>
internal sealed partial class RpcEndpoint(MethodDescriptor rpc, MessageShapes shapes, RpcPipeline pipeline, ILogger<RpcEndpoint> logger)
{
    private const string JsonContentType = "application/json";

    private readonly string _method = $"/{rpc.Service.FullName}/{rpc.Name}";
    private readonly MessageCodec _input = new(rpc.InputType, shapes);
    private readonly MessageCodec _output = new(rpc.OutputType, shapes);

    public static bool IsJson(HttpRequest request) =>
        request.ContentType is { } contentType && contentType.StartsWith(JsonContentType, StringComparison.OrdinalIgnoreCase)
        && MediaTypeHeaderValue.TryParse(contentType, out var type)
        && type.MediaType.Equals(JsonContentType, StringComparison.OrdinalIgnoreCase)
        && (!type.Charset.HasValue || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase));

    public async Task HandleAsync(HttpContext http)
    {
        var output = new RpcOutput(http.Response, _output, rpc.IsServerStreaming);
        try
        {
            var request = await ReadAsync(http.Request);
            var context = new RpcCallContext(http, _method);
            if (rpc.IsServerStreaming)
            {
                await pipeline.StreamAsync(request, output, context);
            }
            else
            {
                await output.WriteAsync(await pipeline.CallAsync(request, context));
            }
        }
        catch (RpcException refused)
        {
            await output.FailAsync(refused.Status);
        }
        catch (UnstorableDataException unwritable)
        {
            await output.FailAsync(CallOutcome.NoJson(_method[1..], unwritable).Status);
        }
        catch (Exception unexpected) when (unexpected is not BadHttpRequestException && !http.RequestAborted.IsCancellationRequested)
        {
            Log.CallFailed(logger, _method, unexpected);
            await output.FailAsync(new Status(StatusCode.Unknown, "Exception was thrown by handler."));
        }
    }

    private async Task<IMessage> ReadAsync(HttpRequest request)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, request.HttpContext.RequestAborted);
        try
        {
            return _input.Read(body.GetBuffer().AsSpan(0, (int)body.Length));
        }
        catch (FormatException invalid)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, invalid.Message));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "The call of {Method} failed.", EventName = "CallFailed")]
        public static partial void CallFailed(ILogger logger, string method, Exception exception);
    }
}
