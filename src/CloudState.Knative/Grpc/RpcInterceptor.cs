using CloudState.Knative.Dispatch;
using CloudState.Knative.Memory;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace CloudState.Knative.Grpc;

/// <summary>
/// The gRPC edge, and through JSON transcoding the REST edge: answers every call of a service itself. The generated
/// base class behind it is only there to describe the service; it is never called.
/// </summary>
internal sealed class RpcInterceptor(RpcTable table, RpcCalls calls, MemoryLimit memory, TimeProvider time) : Interceptor
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
        var outcome = await calls.ExecuteAsync(Find(context), input, ScopeOf(context));
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
        await foreach (var outcome in calls.StreamAsync(Find(context), input, ScopeOf(context)))
        {
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

    private Calls.CallScope ScopeOf(ServerCallContext context) =>
        HttpScope.Create(context.GetHttpContext().Request, calls.Limits, Calls.CallDeadline.Of(context.Deadline, time), context.CancellationToken);

    /// <summary>gRPC has routed by the same services.</summary>
    private LocalRpc Find(ServerCallContext context) => table.FindLocal(context.Method.AsSpan(1))!;
}
