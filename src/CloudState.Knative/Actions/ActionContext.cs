using CloudState.Knative.Actions;
using CloudState.Knative.Calls;
using CloudState.Knative.Entities;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;

namespace CloudState.Knative;

/// <summary>
/// The surroundings of one call of an action. In a handler that streams its replies, what is asked for (<see cref="CallContext.Forward"/>, <see cref="CallContext.Effect"/>,
/// <see cref="CallContext.Fail"/>) goes with the next message that it yields; that message is ignored, and may be null, when it is forwarded or rejected, which ends the stream.
/// </summary>
/// <remarks>
/// An action has nothing to store, so that its effects are not stored either: those that are not synchronous run after the reply, and those that have not run when the process is killed are lost. They are made even if the call fails.
/// Timers are stored before the reply, if the call does not fail, and only if the class says that it uses them (<see cref="ActionAttribute.UsesTimers"/>).
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
