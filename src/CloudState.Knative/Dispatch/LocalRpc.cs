using CloudState.Knative.Calls;
using CloudState.Knative.Entities;
using CloudState.Knative.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Dispatch;

/// <summary>An rpc of this service. Every edge calls it in the same way, whatever answers it.</summary>
internal abstract class LocalRpc(MethodDescriptor rpc) : IRpcAnswerer
{
    public MethodDescriptor Rpc => rpc;

    /// <summary><c>package.Service/Method</c></summary>
    public string FullName { get; } = rpc.FullRpcName();

    /// <summary>The fields of the input that name an entity; null if the rpc is not for one.</summary>
    public abstract EntityKeyFields? Key { get; }

    /// <summary>Whether no edge serves it: only calls from within, and events of topics and event logs that it is bound to, reach it.</summary>
    public bool IsInternal { get; } = rpc.IsInternal();

    /// <summary>The topic that a reply is published to before the caller gets it; null if it is not, or is stored first.</summary>
    public virtual string? PublishBeforeReply => null;

    /// <summary>What is called when the caller of a stream has left; null if nothing is.</summary>
    public virtual LocalRpc? StreamEnd => null;

    /// <summary>Calls an rpc with one reply. Whatever happens, the outcome is a value.</summary>
    /// <param name="input">A message, or for a streamed input an <see cref="IAsyncEnumerable{T}"/> of messages.</param>
    /// <param name="scope">The call.</param>
    public abstract ValueTask<CallOutcome> ExecuteAsync(object input, CallScope scope);

    /// <summary>Calls an rpc with a stream of replies. An outcome other than OK is the last and says why the stream ends.</summary>
    /// <inheritdoc cref="ExecuteAsync"/>
    public abstract IAsyncEnumerable<CallOutcome> StreamAsync(object input, CallScope scope, CancellationToken cancellationToken);

    public ValueTask<CallOutcome> CallAsync(OutgoingCall call, string id, CallScope scope) =>
        ExecuteAsync(rpc.InputType.Parse(call.Message), scope with { CommandId = id, Metadata = call.Metadata });
}
