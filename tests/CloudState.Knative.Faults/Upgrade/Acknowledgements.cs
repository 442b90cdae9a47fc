namespace CloudState.Knative.Faults.Upgrade;

/// <summary>How many commands were acknowledged, and by processes of which release.</summary>
internal sealed class Acknowledgements
{
    private readonly Lock _lock = new();
    private readonly List<(bool ByOld, int Count, TaskCompletionSource Reached)> _awaited = [];
    private int _byOld;
    private int _byNew;

    public int All
    {
        get
        {
            lock (_lock)
            {
                return _byOld + _byNew;
            }
        }
    }

    public void Count(bool byOld)
    {
        lock (_lock)
        {
            var count = byOld ? ++_byOld : ++_byNew;
            foreach (var awaited in _awaited.Where(awaited => awaited.ByOld == byOld && awaited.Count == count))
            {
                awaited.Reached.TrySetResult();
            }

            _awaited.RemoveAll(awaited => awaited.Reached.Task.IsCompleted);
        }
    }

    /// <summary>Completes when processes of one release have acknowledged so many more.</summary>
    public Task MoreAsync(bool byOld, int more)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _awaited.Add((byOld, (byOld ? _byOld : _byNew) + more, reached));
        }

        return reached.Task;
    }
}
