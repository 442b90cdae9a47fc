namespace CloudState.Knative.Delivery;

/// <summary>Wakes all who wait, each time it is sent.</summary>
internal sealed class Pulse
{
    private TaskCompletionSource _next = New();

    /// <summary>Completes with the next pulse. To miss none, take it before looking for what it is about.</summary>
    public Task Next => Volatile.Read(ref _next).Task;

    public void Send() => Interlocked.Exchange(ref _next, New()).TrySetResult();

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
