namespace CloudState.Knative.Calls;

/// <summary>The time that a handler has. Its token is made only for handlers that ask for it.</summary>
internal sealed class TimeLimit(TimeProvider time, DateTimeOffset deadline, CancellationToken callCancelled) : IDisposable
{
    private CancellationTokenSource? _timer;
    private CancellationTokenSource? _either;
    private bool _hasEndedWait;

    /// <summary>What is left of it; <see cref="Timeout.InfiniteTimeSpan"/> when it has no end.</summary>
    private TimeSpan Remaining => deadline == DateTimeOffset.MaxValue ? Timeout.InfiniteTimeSpan : deadline - time.GetUtcNow() is { Ticks: > 0 } remaining ? remaining : TimeSpan.Zero;

    // The timers and the clock need not agree to the millisecond.
    public bool HasPassed => _hasEndedWait || _timer is { IsCancellationRequested: true } || Remaining == TimeSpan.Zero;

    /// <summary>Waits for a handler, until the time has passed.</summary>
    /// <exception cref="TimeoutException">The time has passed.</exception>
    public async Task<T> WaitAsync<T>(Task<T> handling)
    {
        try
        {
            return await handling.WaitAsync(Remaining, time);
        }
        catch (TimeoutException) when (!handling.IsFaulted)
        {
            _hasEndedWait = true;
            throw;
        }
    }

    public CancellationToken GetToken()
    {
        if (deadline == DateTimeOffset.MaxValue)
        {
            return callCancelled;
        }

        _timer ??= new CancellationTokenSource(Remaining, time);
        _either ??= CancellationTokenSource.CreateLinkedTokenSource(_timer.Token, callCancelled);
        return _either.Token;
    }

    public void Dispose()
    {
        _either?.Dispose();
        _timer?.Dispose();
    }
}
