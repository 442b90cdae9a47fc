using CloudState.Knative.Calls;
using Google.Protobuf;
using Grpc.Core;

namespace CloudState.Knative.Dispatch;

/// <summary>
/// Lets generated clients call the rpcs of this service in this process: no network and no address, although the owner of an entity may be another pod.
/// </summary>
/// <param name="find">Finds the calls and the table of rpcs: when the first call is made, because what they need may have a client itself.</param>
/// <param name="time">The clock.</param>
internal sealed class LocalInvoker(Func<(RpcCalls Calls, RpcTable Table)> find, TimeProvider time) : CallInvoker
{
    private readonly Lazy<(RpcCalls Calls, RpcTable Table)> _service = new(find);

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        var (calls, rpc) = Find(method);
        var (call, message) = (new LocalCall(options, calls.Limits, time), CloneOf(request));
        return new AsyncUnaryCall<TResponse>(ReplyAsync(), call.Headers, call.GetStatus, () => [], call.Dispose);

        async Task<TResponse> ReplyAsync()
        {
            // On the way to the owner of an entity commands of others may run, which are not part of the action.
            CurrentCall.Value = null;
            using (call)
            {
                var outcome = calls.RefuseTooLongChain(rpc.FullName, call.Scope) ?? await calls.ExecuteAsync(rpc, message, call.Scope);
                call.End(outcome);
                return outcome.IsReply ? CloneOf((TResponse)outcome.Reply!) : throw new RpcException(outcome.Status);
            }
        }
    }

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        var (calls, rpc) = Find(method);
        var call = new LocalCall(options, calls.Limits, time);
        var replies = new LocalReplies<TResponse>(Outcomes(CloneOf(request)), call);
        return new AsyncServerStreamingCall<TResponse>(replies, call.Headers, call.GetStatus, () => [], replies.Dispose);

        IAsyncEnumerable<CallOutcome> Outcomes(object message) => calls.RefuseTooLongChain(rpc.FullName, call.Scope) is { } refused
            ? AsyncEnumerable.Repeat(refused, 1)
            : calls.StreamAsync(rpc, message, call.Scope);
    }

    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new InvalidOperationException(
        $"{method.FullName} is called within its service, where no thread may block. Await {method.Name}Async.");

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options) => throw StreamedInput(method);

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options) => throw StreamedInput(method);

    /// <summary>Caller and handler share no message, so that both may change theirs.</summary>
    public static TMessage CloneOf<TMessage>(TMessage message) => ((IDeepCloneable<TMessage>)message!).Clone();

    private static InvalidOperationException StreamedInput(IMethod method) => new(
        $"{method.FullName} takes a stream, which cannot be sent within its service. Call an rpc that takes one message.");

    private (RpcCalls Calls, LocalRpc Rpc) Find(IMethod method)
    {
        var (calls, table) = _service.Value;
        return (calls, table.FindLocal(method.FullName.AsSpan(1))
            ?? throw new RpcException(new Status(StatusCode.Unimplemented, $"This service has no rpc {method.FullName}.")));
    }
}
