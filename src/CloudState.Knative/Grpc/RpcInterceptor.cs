using CloudState.Knative.Calls;
using CloudState.Knative.Dispatch;
using CloudState.Knative.Memory;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Grpc.JsonTranscoding;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Grpc;

/// <summary>
/// The gRPC edge, and through JSON transcoding the REST edge: answers every call of a service itself. The generated
/// base class behind it is only there to describe the service; it is never called.
/// </summary>
internal sealed class RpcInterceptor(RpcTable table, RpcCalls calls, MessageShapes shapes, MemoryLimit memory, TimeProvider time) : Interceptor
{
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        AnswerAsync<TResponse>(request, context);

    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
        AnswerAsync<TResponse>(requestStream.ReadAllAsync(context.CancellationToken), context);

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        AnswerAllAsync(request, responseStream, context);

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        AnswerAllAsync(requestStream.ReadAllAsync(context.CancellationToken), responseStream, context);

    private async Task<TResponse> AnswerAsync<TResponse>(object input, ServerCallContext context)
        where TResponse : class
    {
        var rpc = Find(context);
        var outcome = RefuseWithoutJson(await calls.ExecuteAsync(rpc, input, ScopeOf(context)), rpc, context);
        if (outcome.IsReply && !memory.TryReserve(outcome.Reply!.CalculateSize(), context.GetHttpContext()))
        {
            outcome = ReplyRoom.NoRoom;
        }

        await HttpReply.WriteMetadataAsync(outcome, context);
        return outcome.IsReply ? (TResponse)outcome.Reply! : throw new RpcException(outcome.Status);
    }

    private async Task AnswerAllAsync<TResponse>(object input, IServerStreamWriter<TResponse> replies, ServerCallContext context)
        where TResponse : class
    {
        var rpc = Find(context);
        await foreach (var answer in calls.StreamAsync(rpc, input, ScopeOf(context)))
        {
            var outcome = RefuseWithoutJson(answer, rpc, context);
            if (!outcome.IsOk)
            {
                context.GetHttpContext().Features.Get<IFailingResponse>()?.Fail();
                throw new RpcException(outcome.Status);
            }

            if (outcome.Reply is { } reply)
            {
                await replies.WriteAsync((TResponse)reply, context.CancellationToken);
            }
        }
    }

    /// <summary>JSON transcoding would fail on it, and say nothing.</summary>
    private CallOutcome RefuseWithoutJson(CallOutcome outcome, LocalRpc rpc, ServerCallContext context)
    {
        if (outcome.Reply is not { } reply || context.GetHttpContext().GetEndpoint()?.Metadata.GetMetadata<GrpcJsonTranscodingMetadata>() is null)
        {
            return outcome;
        }

        try
        {
            MessageDepth.CheckJson(reply, shapes);
            return outcome;
        }
        catch (UnstorableDataException unwritable)
        {
            return CallOutcome.NoJson(rpc.FullName, unwritable);
        }
    }

    private CallScope ScopeOf(ServerCallContext context) =>
        HttpScope.Create(context.GetHttpContext().Request, calls.Limits, CallDeadline.Of(context.Deadline, time), context.CancellationToken);

    /// <summary>gRPC has routed by the same services.</summary>
    private LocalRpc Find(ServerCallContext context) => table.FindLocal(context.Method.AsSpan(1))!;
}
