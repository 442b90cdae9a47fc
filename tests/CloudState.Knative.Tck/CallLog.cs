namespace CloudState.Knative.Tck;

/// <summary>The calls that the targets of forwards and effects have had. Their replies are empty; this is how a test in the same process sees them.</summary>
internal sealed class CallLog
{
    private readonly Lock _lock = new();
    private readonly List<string> _ids = [];
    private TaskCompletionSource _nextCall = NewSignal();

    public void Record(string id)
    {
        TaskCompletionSource signal;
        lock (_lock)
        {
            _ids.Add(id);
            (signal, _nextCall) = (_nextCall, NewSignal());
        }

        signal.SetResult();
    }

    /// <summary>The calls so far with one of these ids, in the order of arrival.</summary>
    public string[] Of(params string[] ids)
    {
        lock (_lock)
        {
            return [.. _ids.Where(ids.Contains)];
        }
    }

    /// <summary>Waits until each of these ids was called.</summary>
    public async Task ReceivedAsync(string[] ids, CancellationToken cancellation)
    {
        while (Missing(ids) is { } nextCall)
        {
            await nextCall.WaitAsync(cancellation);
        }
    }

    private Task? Missing(string[] ids)
    {
        lock (_lock)
        {
            return ids.All(_ids.Contains) ? null : _nextCall.Task;
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
