using CloudState.Knative.Calls;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;

namespace CloudState.Knative;

/// <summary>
/// The context of one call of an action. In a handler that streams its replies, what is requested (<see cref="CallContext.ReplyFrom"/>,
/// <see cref="CallContext.Call"/>, <see cref="CallContext.CallAndWait"/>, <see cref="CallContext.Fail"/>) goes with the next message that it yields;
/// that message is ignored, and may be null, when another rpc gives the reply, which ends the stream, as a rejection does.
/// </summary>
/// <remarks>
/// An action has nothing to store, so that its calls are not stored either: those that it does not wait for run after the reply, and those that have
/// not run when the process is killed are lost. They are made even if the call fails. Timers are stored before the reply, if the call does not fail,
/// and only if the class says that it uses them (<see cref="ActionAttribute.UsesTimers"/>).
/// </remarks>
public sealed class ActionContext : CallContext
{
    internal ActionContext(MethodDescriptor rpc, CallTargets targets, string? commandId, CallMetadata metadata, Func<CancellationToken> cancellation)
        : base(rpc, targets, commandId, metadata, cancellation)
    {
    }

    /// <summary>What the handler has answered, with all that it has asked for since its last answer.</summary>
    internal ActionAnswer TakeAnswer(IMessage? reply)
    {
        var (effects, timers, forward, failure) = TakeRequests();
        return new ActionAnswer(reply, effects, failure is null ? timers : [], forward, failure);
    }
}

/// <summary>One answer of a handler: a reply, unless it is forwarded or rejected; timers, unless it is rejected; and effects in any case.</summary>
internal sealed record ActionAnswer(IMessage? Reply, IReadOnlyList<Effect> Effects, IReadOnlyList<TimerRequest> Timers, OutgoingCall? Forward, Status? Failure);
