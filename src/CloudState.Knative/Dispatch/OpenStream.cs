using CloudState.Knative.Calls;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Dispatch;

/// <summary>A caller's stream of replies whose end is handled, by a command of its own, unless the handler of the stream has ended it.</summary>
internal sealed partial class OpenStream(RpcCalls calls, LocalRpc end, object input, CallScope scope, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _hasBegun;
    private bool _wasEnded;

    /// <summary>Completes when the stream is over, and its end was handled.</summary>
    public Task Ended => _ended.Task;

    public void Note(CallOutcome reply)
    {
        _hasBegun |= reply.IsOk;
        _wasEnded |= reply.EndsStream;
    }

    /// <summary>The caller reads no further replies. Does not wait for the handler.</summary>
    public void Leave()
    {
        if (_hasBegun && !_wasEnded)
        {
            _ = HandleEndAsync();
        }
        else
        {
            _ended.SetResult();
        }
    }

    private async Task HandleEndAsync()
    {
        // Under one id, so that it takes effect once.
        var once = scope with { CommandId = Guid.CreateVersion7().ToString("N"), Deadline = null, CallCancelled = CancellationToken.None };
        var started = time.GetTimestamp();
        while (true)
        {
            var outcome = await calls.ExecuteAsync(end, input, once);
            if (outcome.IsOk || !outcome.Status.StatusCode.IsTransient() || time.GetElapsedTime(started) > calls.Limits.Timeout)
            {
                if (!outcome.IsOk)
                {
                    LogNotHandled(end.Rpc.FullName, outcome.Status.StatusCode, outcome.Status.Detail);
                }

                _ended.SetResult();
                return;
            }

            await Task.Delay(Pause, time);
        }
    }

    [LoggerMessage(95, LogLevel.Warning, "A caller has left the stream {Rpc}, and its end could not be handled: {StatusCode}, {Detail}", EventName = "StreamEndNotHandled")]
    private partial void LogNotHandled(string rpc, StatusCode statusCode, string detail);
}
