namespace CloudState.Knative.Runtime;

/// <summary>A caller waits for an entity to change. The entity stays in memory meanwhile.</summary>
internal sealed class StateWatch(StateWatches watches) : IDisposable
{
    private readonly TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Changed => _changed.Task;

    public void Signal() => _changed.TrySetResult();

    public void Dispose() => watches.Remove(this);
}

/// <summary>Who waits for an entity to change, and the version that they have seen: the stored one.</summary>
internal sealed class StateWatches
{
    private readonly Lock _lock = new();
    private HashSet<StateWatch> _watches = [];
    private long _storedVersion;

    public bool Any
    {
        get
        {
            lock (_lock)
            {
                return _watches.Count > 0;
            }
        }
    }

    /// <summary>Null when another version than the one that was seen is stored.</summary>
    public StateWatch? TryAdd(long seenVersion)
    {
        lock (_lock)
        {
            if (_storedVersion != seenVersion)
            {
                return null;
            }

            var watch = new StateWatch(this);
            _watches.Add(watch);
            return watch;
        }
    }

    public void Remove(StateWatch watch)
    {
        lock (_lock)
        {
            _watches.Remove(watch);
        }
    }

    public void SignalChange(long storedVersion)
    {
        HashSet<StateWatch> signalled;
        lock (_lock)
        {
            if (_storedVersion == storedVersion)
            {
                return;
            }

            _storedVersion = storedVersion;
            if (_watches.Count == 0)
            {
                return;
            }

            (signalled, _watches) = (_watches, []);
        }

        // There may be thousands, and the next command waits.
        ThreadPool.UnsafeQueueUserWorkItem(static watches => SignalAll(watches), signalled, preferLocal: false);
    }

    private static void SignalAll(HashSet<StateWatch> watches)
    {
        foreach (var watch in watches)
        {
            watch.Signal();
        }
    }
}
