using CloudState.Knative.Calls;
using Grpc.Core;

namespace CloudState.Knative.Dispatch;

/// <summary>The replies of a streaming rpc that a client within the service reads.</summary>
internal sealed class LocalReplies<TReply>(IAsyncEnumerable<CallOutcome> outcomes, LocalCall call) : IAsyncStreamReader<TReply>, IDisposable
{
    private readonly IAsyncEnumerator<CallOutcome> _outcomes = outcomes.GetAsyncEnumerator(CancellationToken.None);
    private Task<bool> _moving = Task.FromResult(true);

    public TReply Current { get; private set; } = default!;

    public Task<bool> MoveNext(CancellationToken cancellationToken) => _moving = MoveNextAsync(cancellationToken);

    /// <summary>Ends the stream, also where its reader has left it.</summary>
    public void Dispose()
    {
        call.Dispose();
        _ = ReleaseAsync();
    }

    private async Task<bool> MoveNextAsync(CancellationToken cancellationToken)
    {
        // As for unary calls.
        CurrentCall.Value = null;
        using var cancelled = cancellationToken.UnsafeRegister(static canceled => ((LocalCall)canceled!).Dispose(), call);
        while (await _outcomes.MoveNextAsync())
        {
            var outcome = _outcomes.Current;
            if (!outcome.IsOk)
            {
                call.End(outcome);
                throw new RpcException(outcome.Status);
            }

            if (outcome.IsReply)
            {
                call.Note(outcome);
                Current = LocalInvoker.CloneOf((TReply)outcome.Reply!);
                return true;
            }
        }

        call.End(Status.DefaultSuccess);
        return false;
    }

    private async Task ReleaseAsync()
    {
        await ((Task)_moving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _outcomes.DisposeAsync();
    }
}
