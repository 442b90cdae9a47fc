using System.Diagnostics;
using CloudState.Knative.Calls;
using Grpc.Core;

namespace CloudState.Knative.Dispatch;

/// <summary>A call that a generated client makes within the service.</summary>
/// <remarks>
/// What an action awaits belongs to its call: its deadline and its cancellation hold, its trace goes on, its depth counts. Without an
/// <c>Idempotency-Key</c> of its own it gets an id from that of the action, if there is one: a repeated action gets the same replies.
/// </remarks>
internal sealed class LocalCall : IDisposable
{
    private readonly CancellationTokenSource _cancellation = new();
    private readonly CancellationTokenRegistration _ofOptions;
    private readonly CancellationTokenRegistration _ofAction;
    private readonly TaskCompletionSource<Metadata> _headers = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Status? _status;

    /// <exception cref="RpcException">The Idempotency-Key is too long.</exception>
    /// <exception cref="InvalidOperationException">An entity calls.</exception>
    public LocalCall(CallOptions options, CallLimits limits, TimeProvider time)
    {
        var (action, metadata) = (CurrentCall.Value, CallMetadata.Of(options.Headers));
        if (ReferenceEquals(action, CurrentCall.OfEntity))
        {
            throw new InvalidOperationException(
                "The handler of an entity cannot wait for another rpc of its service, which may wait for it. Use context.Call, CallAndWait or ReplyFrom.");
        }

        var outer = action?.Scope;
        Scope = new CallScope
        {
            CommandId = KeyOf(metadata, limits.MaxCommandIdLength) ?? action?.Ids.NextOrNone(),
            Metadata = metadata,
            Depth = outer is null ? 0 : outer.Depth + 1,
            Deadline = Earliest(CallDeadline.Of(options.Deadline ?? DateTime.MaxValue, time), outer?.Deadline),
            Trace = Activity.Current?.Context ?? outer?.Trace ?? default,
            CallCancelled = _cancellation.Token,
        };
        _ofOptions = options.CancellationToken.UnsafeRegister(Cancel, _cancellation);
        _ofAction = (outer?.CallCancelled ?? default).UnsafeRegister(Cancel, _cancellation);
    }

    public CallScope Scope { get; }

    /// <summary>The metadata of the first reply.</summary>
    public Task<Metadata> Headers => _headers.Task;

    /// <exception cref="InvalidOperationException">The call has not ended.</exception>
    public Status GetStatus() => _status ?? throw new InvalidOperationException("The call has not ended. Await it first.");

    /// <summary>Notes a reply of a stream.</summary>
    public void Note(CallOutcome outcome)
    {
        if (!_headers.Task.IsCompleted)
        {
            _headers.TrySetResult(outcome.ToHeaders());
        }
    }

    public void End(CallOutcome outcome)
    {
        Note(outcome);
        End(outcome.Status);
    }

    public void End(Status status)
    {
        _status ??= status;
        _headers.TrySetResult([]);
        _ofOptions.Unregister();
        _ofAction.Unregister();
    }

    /// <summary>Cancels the call unless it has ended.</summary>
    public void Dispose()
    {
        if (_status is null)
        {
            End(new Status(StatusCode.Cancelled, "The call was cancelled."));
            _cancellation.Cancel();
        }
    }

    private static void Cancel(object? cancellation) => ((CancellationTokenSource)cancellation!).Cancel();

    private static string? KeyOf(CallMetadata metadata, int maxLength) => metadata[CallHeaders.CommandId] switch
    {
        null or "" => null,
        { } key when key.Length <= maxLength => CommandIds.OfKey(key),
        _ => throw new RpcException(new Status(StatusCode.InvalidArgument, CommandIds.TooLong(maxLength))),
    };

    private static DateTimeOffset? Earliest(DateTimeOffset? own, DateTimeOffset? ofAction) => own is null || ofAction < own ? ofAction : own;
}
