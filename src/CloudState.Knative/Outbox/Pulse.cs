namespace CloudState.Knative.Outbox;

/// <summary>Wakes all that wait, each time it is sent.</summary>
internal sealed class Pulse
{
    // Null while nothing waits for the next pulse.
    private TaskCompletionSource? _next;

    /// <summary>Completes with the next pulse. To miss none, take it before looking for what it is about.</summary>
    public Task Next
    {
        get
        {
            if (Volatile.Read(ref _next) is { } next)
            {
                return next.Task;
            }

            var created = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return (Interlocked.CompareExchange(ref _next, created, null) ?? created).Task;
        }
    }

    public void Send() => Interlocked.Exchange(ref _next, null)?.TrySetResult();

    /// <summary>Returns when one of the tasks has completed, after a time at the latest, or when cancelled. Leaves nothing behind on the tasks, which may be old.</summary>
    public static async Task AnyAsync(TimeSpan longest, TimeProvider time, CancellationToken cancelled, params IEnumerable<Task> tasks)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancelled);
        await Task.WhenAny([.. tasks, Task.Delay(longest, time, ended.Token)]);
        await ended.CancelAsync();
    }
}
