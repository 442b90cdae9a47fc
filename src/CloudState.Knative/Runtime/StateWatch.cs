namespace CloudState.Knative.Runtime;

/// <summary>Somebody waits for an entity to change. The entity stays in memory meanwhile.</summary>
internal sealed class StateWatch(Activation activation) : IDisposable
{
    private readonly TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Changed => _changed.Task;

    public void Signal() => _changed.TrySetResult();

    public void Dispose() => activation.EndWatch(this);
}
