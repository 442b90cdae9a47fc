using CloudState.Knative.Entities;
using CloudState.Knative.Routing;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Grpc;

/// <summary>
/// The gRPC edge, and through JSON transcoding the REST edge: answers every call of an entity's service itself. The generated
/// base class behind it is only there to describe the service; it is never called.
/// </summary>
internal sealed class CommandInterceptor(EntityDefinitions definitions, CommandRouter router, StateStream streams) : Interceptor
{
    private const string CommandIdHeader = "idempotency-key";

    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        var outcome = await router.ExecuteAsync(ToCommand((IMessage)request, context));
        return outcome.IsReply ? (TResponse)outcome.Reply! : throw new RpcException(outcome.Status);
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        var ended = await streams.PushAsync(
            ToCommand((IMessage)request, context), reply => responseStream.WriteAsync((TResponse)reply, context.CancellationToken));
        throw new RpcException(ended);
    }

    private Command ToCommand(IMessage message, ServerCallContext context)
    {
        var (entity, definition) = definitions.FindMethod(context.Method);
        var http = context.GetHttpContext();
        return new Command
        {
            Definition = definition,
            Key = new EntityKey(entity.EntityType, definition.Key.Read(message)),
            Message = message,
            Metadata = RequestMetadata.Read(http.Request.Headers),
            CommandId = definition.IsStreaming ? null : CommandIdOf(http.Request),
            Deadline = context.Deadline == DateTime.MaxValue ? null : context.Deadline,
            CallCancelled = context.CancellationToken,
        };
    }

    private static string? CommandIdOf(HttpRequest request) =>
        request.Headers.TryGetValue(CommandIdHeader, out var id) && !string.IsNullOrEmpty(id)
            ? id.Count == 1 && id[0]!.Length <= 256
                ? id[0]
                : throw new RpcException(new Status(StatusCode.InvalidArgument, "Idempotency-Key must be given once and have at most 256 characters."))
            : null;
}
