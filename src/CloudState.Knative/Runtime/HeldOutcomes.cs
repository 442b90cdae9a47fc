namespace CloudState.Knative.Runtime;

/// <summary>The commands of an entity that have run, and whose outcomes wait until everything that they depend on is stored, in their order. Its activation guards it with its lock.</summary>
internal sealed class HeldOutcomes
{
    private readonly Queue<PendingCommand> _held = new();
    private TaskCompletionSource? _allReleased;
    private int _flushes;

    public bool Any => _held.Count > 0;

    /// <summary>Whether there are others than those that store what was acknowledged before.</summary>
    public bool AnyAwaited => _held.Count > _flushes;

    /// <summary>Completes when none is held.</summary>
    public Task AllReleased => _held.Count == 0
        ? Task.CompletedTask
        : (_allReleased ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public void Hold(PendingCommand pending)
    {
        _held.Enqueue(pending);
        _flushes += pending.Command.IsFlush ? 1 : 0;
    }

    /// <summary>The command of this id that is on its way to the store.</summary>
    public PendingCommand? FindUnderWay(string commandId) => _held.FirstOrDefault(earlier => earlier.AwaitsAppend && earlier.Command.CommandId == commandId);

    /// <summary>Releases those that wait for nothing else any more.</summary>
    public void ReleaseStored()
    {
        while (_held.TryPeek(out var next) && !next.AwaitsAppend)
        {
            _held.Dequeue();
            Release(next);
        }

        SignalWhenAllReleased();
    }

    /// <summary>Takes all: what they depend on is not stored.</summary>
    /// <param name="release">What becomes of one of them: it is released, or run again.</param>
    public void Lose(Action<PendingCommand> release)
    {
        _flushes = 0;
        while (_held.TryDequeue(out var lost))
        {
            release(lost);
        }

        SignalWhenAllReleased();
    }

    private void Release(PendingCommand released)
    {
        _flushes -= released.Command.IsFlush ? 1 : 0;
        released.Release();
    }

    private void SignalWhenAllReleased()
    {
        if (_held.Count == 0)
        {
            _allReleased?.TrySetResult();
            _allReleased = null;
        }
    }
}
