using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Microsoft.AspNetCore.Routing;

namespace CloudState.Knative.Grpc;

/// <summary>
/// Tells gRPC the rpcs of a service, as its generated class lists them. It takes the place of gRPC's own discovery for services of this library, so
/// that messages that cannot be read get an answer of their own; <see cref="RpcInterceptor"/> answers all others.
/// </summary>
internal sealed class RpcMethods<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TService>(UnreadableMessages unreadable) : IServiceMethodProvider<TService>
    where TService : class
{
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<TService> context)
    {
        var generated = typeof(TService).GetCustomAttribute<BindServiceMethodAttribute>()!;
        generated.BindType.GetMethod(generated.BindMethodName, [typeof(ServiceBinderBase), typeof(TService)])!.Invoke(null, [new Binder(context, unreadable), null]);
    }

    private sealed class Binder(ServiceMethodProviderContext<TService> context, UnreadableMessages unreadable) : ServiceBinderBase
    {
        private static object[] Metadata => [new HttpMethodMetadata(["POST"], acceptCorsPreflight: true)];

        public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) =>
            context.AddUnaryMethod(unreadable.Guard(method), Metadata, static (_, _, _) => throw NotAnswered());

        public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler) =>
            context.AddClientStreamingMethod(unreadable.Guard(method), Metadata, static (_, _, _) => throw NotAnswered());

        public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) =>
            context.AddServerStreamingMethod(unreadable.Guard(method), Metadata, static (_, _, _, _) => throw NotAnswered());

        public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) =>
            context.AddDuplexStreamingMethod(unreadable.Guard(method), Metadata, static (_, _, _, _) => throw NotAnswered());

        private static RpcException NotAnswered() => new(new Status(StatusCode.Unimplemented, ""));
    }
}
