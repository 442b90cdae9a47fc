using Google.Protobuf;
using Grpc.Core;

namespace CloudState.Knative.Testing;

/// <summary>What a handler has answered: a reply, a forward or a failure; and which other rpcs it has called.</summary>
public class CallResult
{
    private readonly string _handlerName;
    private readonly IMessage? _reply;

    internal CallResult(string handlerName, ActionAnswer answer, ReplyMetadata metadata)
    {
        _handlerName = handlerName;
        Failure = answer.Failure;
        ReplyFrom = answer is { Failure: null, Forward: { } forward } ? new RequestedCall(forward, isSynchronous: true) : null;
        Calls = [.. answer.Effects.Select(effect => new RequestedCall(effect.Call, effect.IsSynchronous))];
        Timers = [.. answer.Timers.Select(timer => new RequestedTimer(timer))];
        if (Failure is null && ReplyFrom is null)
        {
            _reply = answer.Reply;
            ReplyMetadata = metadata.Entries ?? [];
        }
    }

    /// <summary>Why the handler has rejected the call (<see cref="CallContext.Fail"/>); null when it has not.</summary>
    public Status? Failure { get; }

    /// <summary>The call that the reply is left to; null when there is none.</summary>
    public RequestedCall? ReplyFrom { get; }

    /// <summary>The calls of <c>Call</c> and <c>CallAndWait</c>, in order. A command of an entity that has failed has none; those of an action are made all the same.</summary>
    public IReadOnlyList<RequestedCall> Calls { get; }

    /// <summary>The timers that were set or cancelled, in order; none when the call has failed.</summary>
    public IReadOnlyList<RequestedTimer> Timers { get; }

    /// <summary>What goes out with the reply; empty when there is no reply.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> ReplyMetadata { get; } = [];

    /// <summary>The reply.</summary>
    /// <exception cref="TestKitException">The call has failed or left the reply to another rpc, or the reply is of another type.</exception>
    public TReply Reply<TReply>()
        where TReply : class, IMessage =>
        _reply switch
        {
            TReply reply => reply,
            { } other => throw new TestKitException($"{_handlerName} has replied with a {other.GetType().FullName}, not with a {typeof(TReply).FullName}."),
            null => throw new TestKitException(
                Failure is { } failure ? $"{_handlerName} has not replied but failed with {failure.StatusCode}: {failure.Detail}"
                : ReplyFrom is { } forward ? $"{_handlerName} has not replied but left the reply to {forward.Rpc}."
                : $"{_handlerName} has requested calls after its last reply."),
        };
}
