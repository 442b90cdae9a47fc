using Google.Protobuf;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.Rest;

/// <summary>The interceptors of a service in their order, for calls that do not come as gRPC. One of them answers; there is nothing behind them.</summary>
internal sealed class RpcPipeline(IReadOnlyList<InterceptorRegistration> interceptors)
{
    /// <exception cref="RpcException">The call was refused, or failed.</exception>
    public Task<IMessage> CallAsync(IMessage request, ServerCallContext context) => CallAsync(request, context, 0);

    /// <exception cref="RpcException">The call was refused, or failed, maybe after some messages.</exception>
    public Task StreamAsync(IMessage request, IServerStreamWriter<IMessage> replies, ServerCallContext context) => StreamAsync(request, replies, context, 0);

    private Task<IMessage> CallAsync(IMessage request, ServerCallContext context, int index) =>
        Activate(index, context).UnaryServerHandler(request, context, (nextRequest, nextContext) => CallAsync(nextRequest, nextContext, index + 1));

    private Task StreamAsync(IMessage request, IServerStreamWriter<IMessage> replies, ServerCallContext context, int index) =>
        Activate(index, context).ServerStreamingServerHandler(
            request, replies, context, (nextRequest, nextReplies, nextContext) => StreamAsync(nextRequest, nextReplies, nextContext, index + 1));

    private Interceptor Activate(int index, ServerCallContext context)
    {
        if (index == interceptors.Count)
        {
            throw new RpcException(new Status(StatusCode.Unimplemented, ""));
        }

        var (http, registration) = (context.GetHttpContext(), interceptors[index]);
        if (http.RequestServices.GetService(registration.Type) is Interceptor shared)
        {
            return shared;
        }

        var own = (Interceptor)ActivatorUtilities.CreateInstance(http.RequestServices, registration.Type, [.. registration.Arguments]);
        if (own is IDisposable disposable)
        {
            http.Response.RegisterForDispose(disposable);
        }

        return own;
    }
}
