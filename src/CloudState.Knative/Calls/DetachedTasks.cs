using System.Collections.Concurrent;

namespace CloudState.Knative.Calls;

/// <summary>Tasks that no caller waits for, until the service stops.</summary>
internal sealed class DetachedTasks
{
    private readonly ConcurrentDictionary<Task, bool> _underWay = new();

    /// <summary>Completes when all have that are under way now.</summary>
    public Task AllEnded => Task.WhenAll(_underWay.Keys);

    public void Add(Task task)
    {
        if (!task.IsCompleted)
        {
            _underWay.TryAdd(task, true);
            task.ContinueWith(ended => _underWay.TryRemove(ended, out _), TaskScheduler.Default);
        }
    }
}
