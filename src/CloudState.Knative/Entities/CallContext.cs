using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Calls;
using Google.Protobuf.Reflection;
using Grpc.Core;

namespace CloudState.Knative;

/// <summary>The context of a call while its handler runs: its metadata, and what the handler requests beside its reply.</summary>
public abstract class CallContext
{
    private readonly MethodDescriptor _rpc;
    private readonly CallTargets _targets;
    private readonly Func<CancellationToken> _cancellation;
    private List<Effect>? _effects;
    private ReplyMetadata? _replyMetadata;
    private Timers? _timers;
    private volatile bool _isClosed;

    private protected CallContext(MethodDescriptor rpc, CallTargets targets, string? commandId, CallMetadata metadata, Func<CancellationToken> cancellation)
    {
        _rpc = rpc;
        _targets = targets;
        _cancellation = cancellation;
        CommandId = commandId;
        Metadata = metadata;
    }

    /// <summary>
    /// The id under which the caller may repeat the call; null when it gave none. <c>key/</c> and the header <c>Idempotency-Key</c>, <c>event/</c> and a CloudEvent's source and id,
    /// <c>log/</c> and those of an event of an event log, which no client can send; others are made by this library.
    /// </summary>
    public string? CommandId { get; }

    /// <summary>What came with the call beside its message.</summary>
    public CallMetadata Metadata { get; }

    /// <summary>What goes out with the reply of a unary rpc: gRPC response headers, or HTTP headers.</summary>
    public ReplyMetadata ReplyMetadata => _replyMetadata ??= new();

    /// <summary>Calls to be made later, or at a time.</summary>
    public Timers Timers => _timers ??= new(_targets, ThrowIfEnded);

    /// <summary>Cancelled when the caller has gone or the time limit of the call has passed.</summary>
    public CancellationToken CancellationToken => _cancellation();

    internal IReadOnlyList<Effect> Effects => _effects ?? (IReadOnlyList<Effect>)[];

    /// <summary>Null when nothing goes out with the reply.</summary>
    internal IReadOnlyList<KeyValuePair<string, string>>? ReplyEntries => _replyMetadata?.Entries;

    internal IReadOnlyList<TimerRequest> TimerRequests => _timers?.Requests ?? [];

    internal OutgoingCall? ForwardTo { get; private set; }

    internal Status? Failure { get; private set; }

    /// <summary>
    /// Lets another rpc of this service, or of one that is registered with <c>AddServiceClient</c>, give the reply: it is called once everything that this handler has done is
    /// stored, and the caller gets its outcome. What the handler returns is ignored. The metadata of this call goes along.
    /// </summary>
    /// <param name="call">
    /// Calls the rpc, for example <c>(Carts.CartsClient carts) =&gt; carts.GetAsync(new GetCart { Id = id })</c>; it runs at once, only to record the call.
    /// </param>
    /// <exception cref="InvalidOperationException">There is no such rpc, or it does not return what this one does, or this call has ended.</exception>
    public void ReplyFrom<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TClient, TReply>(Func<TClient, AsyncUnaryCall<TReply>> call)
        where TClient : ClientBase
        where TReply : class
    {
        ArgumentNullException.ThrowIfNull(call);
        ThrowIfEnded();
        var forward = _targets.Check(CallRecorder.Record(call));
        if (_rpc.OutputType.ClrType != typeof(TReply))
        {
            throw new InvalidOperationException(
                $"{_rpc.FullName} returns {_rpc.OutputType.FullName} and cannot get its reply from {forward.Method}, which returns {typeof(TReply).FullName}. " +
                "Call an rpc with the same output.");
        }

        ForwardTo = forward;
    }

    /// <summary>
    /// Calls another rpc of this service, or of one that is registered with <c>AddServiceClient</c>, once everything that this handler has done is stored. The call of an entity's
    /// command is stored with the command, and made at least once, whatever happens to this process; an rpc of an entity takes effect once.
    /// </summary>
    /// <param name="call">
    /// Calls the rpc, for example <c>(Mails.MailsClient mails) =&gt; mails.SendAsync(new Mail { To = to })</c>; it runs at once, only to record the call.
    /// </param>
    /// <exception cref="InvalidOperationException">There is no such rpc, or this call has ended.</exception>
    public void Call<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TClient, TReply>(Func<TClient, AsyncUnaryCall<TReply>> call)
        where TClient : ClientBase
        where TReply : class =>
        AddEffect(call, isSynchronous: false);

    /// <summary>
    /// As <see cref="Call"/>, but the caller gets its reply only after this call and those before it have been made. If this call is rejected, the caller gets its failure.
    /// </summary>
    /// <inheritdoc cref="Call"/>
    public void CallAndWait<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TClient, TReply>(Func<TClient, AsyncUnaryCall<TReply>> call)
        where TClient : ClientBase
        where TReply : class =>
        AddEffect(call, isSynchronous: true);

    /// <summary>
    /// Rejects the call and ends the handler: the caller gets the message. Of an entity's command nothing is kept, no event and no effect.
    /// </summary>
    /// <param name="message">What the caller can do about it.</param>
    /// <param name="statusCode">The gRPC status; over HTTP its usual counterpart (of the default 400).</param>
    /// <returns>Never: it throws, so that nothing after it runs. Write <c>throw context.Fail(…)</c> where the compiler needs to see that the handler ends here.</returns>
    /// <exception cref="ArgumentException"><paramref name="statusCode"/> is <see cref="StatusCode.OK"/>.</exception>
    [DoesNotReturn]
    public Exception Fail(string message, StatusCode statusCode = StatusCode.FailedPrecondition)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (statusCode == StatusCode.OK)
        {
            throw new ArgumentException("A failure needs a status other than OK.", nameof(statusCode));
        }

        Failure ??= new Status(statusCode, message);
        throw new CallRejectedException(Failure.Value.Detail);
    }

    /// <summary>An exception filter: whether the handler has rejected the call, by <see cref="Fail"/> before it threw, or by throwing an <see cref="RpcException"/>.</summary>
    internal bool IsRejectedBy(Exception thrown)
    {
        if (Failure is null && thrown is RpcException { Status: var status })
        {
            Failure = new Status(status.StatusCode == StatusCode.OK ? StatusCode.Unknown : status.StatusCode, status.Detail);
        }

        return Failure is not null;
    }

    /// <summary>What a handler is told that has neither replied nor left the reply to another one nor rejected the call.</summary>
    internal static InvalidOperationException NoAnswer(string handlerName) =>
        new($"{handlerName} returned null. Return a message, or call context.ReplyFrom or context.Fail.");

    internal void Close() => _isClosed = true;

    private void AddEffect<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TClient, TReply>(
        Func<TClient, AsyncUnaryCall<TReply>> call, bool isSynchronous)
        where TClient : ClientBase
        where TReply : class
    {
        ArgumentNullException.ThrowIfNull(call);
        ThrowIfEnded();
        (_effects ??= []).Add(new Effect(_targets.Check(CallRecorder.Record(call)), isSynchronous));
    }

    internal void ThrowIfEnded()
    {
        if (Failure is { } failure)
        {
            throw new CallRejectedException(failure.Detail);
        }

        if (_isClosed)
        {
            throw new InvalidOperationException("The call is over: its handler returned or ran into its time limit. Emit events, update the state and ask for effects before that.");
        }
    }

    /// <summary>Hands over what was asked for since the last time, and starts afresh: for handlers that answer more than once.</summary>
    private protected (IReadOnlyList<Effect> Effects, IReadOnlyList<TimerRequest> Timers, OutgoingCall? Forward, Status? Failure) TakeRequests()
    {
        var taken = (Effects, TimerRequests, ForwardTo, Failure);
        (_effects, _timers, ForwardTo, Failure) = (null, null, null, null);
        return taken;
    }
}
