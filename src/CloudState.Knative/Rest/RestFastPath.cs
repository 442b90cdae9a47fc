using System.Buffers;
using CloudState.Knative.Calls;
using CloudState.Knative.Dispatch;
using CloudState.Knative.Grpc;
using CloudState.Knative.Memory;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Rest;

/// <summary>
/// The quick way for the requests that REST clients send all day: a key in the path, a small JSON object as body or none. Its answers are those of
/// JSON transcoding, byte by byte, without what that does for the sake of other requests. Those are left to it, untouched; also all that turn out to be malformed,
/// so that its error messages are the only ones.
/// </summary>
internal sealed class RestFastPath(RestBinding binding, RpcCalls calls, MemoryLimit memory, RequestDelegate transcoding)
{
    private const string JsonContentType = "application/json";
    private const string JsonUtf8ContentType = "application/json; charset=utf-8";

    public Task HandleAsync(HttpContext http) => CanUseFastPath(http.Request) ? HandleFastAsync(http) : transcoding(http);

    private bool CanUseFastPath(HttpRequest request) =>
        !request.QueryString.HasValue
        && (request.ContentType is JsonContentType or JsonUtf8ContentType || (request.ContentType is null && !binding.TakesBody))
        && (!binding.TakesBody || request.ContentLength is > 0 and <= RestBinding.MaxBodySize);

    private async Task HandleFastAsync(HttpContext http)
    {
        var message = binding.TakesBody ? await ReadBodyAsync(http.Request) : binding.ReadMessage(default, http.Request.RouteValues);
        if (message is null)
        {
            await transcoding(http);
            return;
        }

        var outcome = await ExecuteAsync(message, http);
        var size = outcome.Reply?.CalculateSize() ?? 0;
        outcome = memory.TryReserve(size, http) ? outcome : ReplyRoom.NoRoom;
        byte[] json;
        try
        {
            json = outcome.IsReply ? binding.WriteReply(outcome.Reply!, size) : RestStatus.Write(outcome.Status);
        }
        catch (UnstorableDataException unwritable)
        {
            outcome = CallOutcome.NoJson(binding.Rpc.FullName, unwritable);
            json = RestStatus.Write(outcome.Status);
        }

        HttpReply.WriteMetadata(outcome, http.Response);
        http.Response.StatusCode = RestStatus.HttpStatusOf(outcome.Status.StatusCode);
        http.Response.ContentType = JsonUtf8ContentType;
        http.Response.ContentLength = json.Length;
        http.Response.BodyWriter.Write(json);
    }

    /// <summary>Null when JSON transcoding has to read it: then nothing is consumed.</summary>
    private async ValueTask<IMessage?> ReadBodyAsync(HttpRequest request)
    {
        var body = request.BodyReader;
        while (true)
        {
            var read = await body.ReadAsync(request.HttpContext.RequestAborted);
            var isWhole = read.Buffer.Length >= request.ContentLength;
            if (!isWhole && !read.IsCompleted)
            {
                body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }

            var message = isWhole ? binding.ReadMessage(read.Buffer, request.RouteValues) : null;
            body.AdvanceTo(message is null ? read.Buffer.Start : read.Buffer.End);
            return message;
        }
    }

    private ValueTask<CallOutcome> ExecuteAsync(IMessage message, HttpContext http)
    {
        CallScope scope;
        try
        {
            scope = HttpScope.Create(http.Request, calls.Limits, deadline: null, http.RequestAborted);
        }
        catch (RpcException refused)
        {
            return new(CallOutcome.Rejected(refused.Status));
        }

        return calls.ExecuteAsync(binding.Rpc, message, scope);
    }
}
