using System.Diagnostics;
using CloudState.Knative.Actions;
using CloudState.Knative.Calls;
using CloudState.Knative.Dispatch;
using CloudState.Knative.Rest;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace CloudState.Knative.Grpc;

/// <summary>The gRPC edge of actions, and through JSON transcoding their REST edge.</summary>
internal sealed class ActionInterceptor(ActionDefinitions actions, ActionRunner runner, ServiceCalls calls) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        await AnswerAsync<TResponse>(request, context);

    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
        await AnswerAsync<TResponse>(requestStream.ReadAllAsync(context.CancellationToken), context);

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        AnswerAllAsync(request, responseStream, context);

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        AnswerAllAsync(requestStream.ReadAllAsync(context.CancellationToken), responseStream, context);

    private async Task<TResponse> AnswerAsync<TResponse>(object input, ServerCallContext context)
        where TResponse : class
    {
        var (action, method) = Find(context);
        var outcome = await calls.ExecuteAsync(action, method, input, ScopeOf(context));
        await HttpReply.WriteMetadataAsync(outcome, context);
        return outcome.IsReply ? (TResponse)outcome.Reply! : throw new RpcException(outcome.Status);
    }

    private async Task AnswerAllAsync<TResponse>(object input, IServerStreamWriter<TResponse> replies, ServerCallContext context)
        where TResponse : class
    {
        var (action, method) = Find(context);
        var scope = ScopeOf(context);
        await foreach (var answer in runner.StreamAsync(action, method, input, scope, context.CancellationToken))
        {
            var outcome = answer.FollowUp is null ? answer : await calls.CompleteAsync(answer, scope);
            if (outcome.Status.StatusCode != StatusCode.OK)
            {
                EventStream.Fail(context.GetHttpContext());
                throw new RpcException(outcome.Status);
            }

            if (outcome.Reply is { } reply)
            {
                await replies.WriteAsync((TResponse)reply, context.CancellationToken);
            }
        }
    }

    private (ActionRegistration Action, ActionMethod Method) Find(ServerCallContext context) => actions.Find(context.Method[1..])!.Value;

    private static CallScope ScopeOf(ServerCallContext context)
    {
        var request = context.GetHttpContext().Request;
        return new CallScope
        {
            CommandId = HttpCommand.CommandIdOf(request),
            Metadata = RequestMetadata.Read(request.Headers),
            Deadline = CallDeadline.Of(context),
            Trace = Activity.Current?.Context ?? default,
            CallCancelled = context.CancellationToken,
        };
    }
}
