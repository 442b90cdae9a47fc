namespace CloudState.Knative.Outbox;

/// <summary>Wakes all who wait, each time it is sent.</summary>
internal sealed class Pulse
{
    private TaskCompletionSource _next = New();

    /// <summary>Completes with the next pulse. To miss none, take it before looking for what it is about.</summary>
    public Task Next => Volatile.Read(ref _next).Task;

    public void Send() => Interlocked.Exchange(ref _next, New()).TrySetResult();

    /// <summary>Returns when one of the tasks has completed, after a time at the latest, or when cancelled. Leaves nothing behind on the tasks, which may be old.</summary>
    public static async Task AnyAsync(TimeSpan longest, TimeProvider time, CancellationToken cancelled, params IEnumerable<Task> tasks)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancelled);
        await Task.WhenAny([.. tasks, Task.Delay(longest, time, ended.Token)]);
        await ended.CancelAsync();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
