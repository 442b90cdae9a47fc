using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Protobuf;
using Google.Protobuf;
using Grpc.Core;

namespace CloudState.Knative.Calls;

/// <summary>
/// Finds out which call a lambda makes on a generated client, without making it: that is how handlers name rpcs, checked by the compiler.
/// </summary>
internal sealed class CallRecorder : CallInvoker
{
    private OutgoingCall? _recorded;

    /// <exception cref="InvalidOperationException">The lambda makes no call.</exception>
    public static OutgoingCall Record<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TClient, TReply>(Func<TClient, AsyncUnaryCall<TReply>> call)
        where TClient : ClientBase
        where TReply : class
    {
        var recorder = new CallRecorder();
        call((TClient)Activator.CreateInstance(typeof(TClient), (CallInvoker)recorder)!);
        return recorder._recorded ?? throw new InvalidOperationException($"The lambda calls nothing. Call a method of the {typeof(TClient).Name} that it gets.");
    }

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        var metadata = CallMetadata.Of(options.Headers);
        var message = (IMessage)request;
        MessageDepth.Check(message);
        _recorded = new OutgoingCall(method.FullName[1..], message.ToByteString(), metadata) { InputType = message.Descriptor };

        // Nothing looks at it.
        return null!;
    }

    public override TResponse BlockingUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw Unsupported();

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw Unsupported();

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options) => throw Unsupported();

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options) => throw Unsupported();

    private static InvalidOperationException Unsupported() => new("Only unary rpcs can be forwarded to or called as an effect, and only by their asynchronous methods.");
}
