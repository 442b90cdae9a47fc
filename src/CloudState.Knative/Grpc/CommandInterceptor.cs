using CloudState.Knative.Calls;
using CloudState.Knative.Dispatch;
using CloudState.Knative.Entities;
using CloudState.Knative.Rest;
using CloudState.Knative.Routing;
using CloudState.Knative.Runtime;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace CloudState.Knative.Grpc;

/// <summary>
/// The gRPC edge, and through JSON transcoding the REST edge: answers every call of an entity's service itself. The generated
/// base class behind it is only there to describe the service; it is never called.
/// </summary>
internal sealed class CommandInterceptor(EntityDefinitions definitions, ServiceCalls calls, StateStream streams) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        var outcome = await calls.ExecuteAsync(ToCommand((IMessage)request, context));
        await HttpReply.WriteMetadataAsync(outcome, context);
        return outcome.IsReply ? (TResponse)outcome.Reply! : throw new RpcException(outcome.Status);
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        var ended = await streams.PushAsync(
            ToCommand((IMessage)request, context), reply => responseStream.WriteAsync((TResponse)reply, context.CancellationToken));
        EventStream.Fail(context.GetHttpContext());
        throw new RpcException(ended);
    }

    private Command ToCommand(IMessage message, ServerCallContext context)
    {
        var (entity, definition) = definitions.FindMethod(context.Method);
        return HttpCommand.Create(entity, definition, message, context.GetHttpContext().Request, CallDeadline.Of(context), context.CancellationToken);
    }
}
