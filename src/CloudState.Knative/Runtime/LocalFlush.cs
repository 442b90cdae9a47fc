using CloudState.Knative.Storage;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Runtime;

/// <summary>
/// Stores, some time later, what commands at <see cref="CrdtLevel.Local"/> have changed: all entities of a process in the same transactions. What cannot be stored is tried again.
/// </summary>
internal sealed partial class LocalFlush : IDisposable
{
    private readonly Lock _lock = new();
    private readonly TimeSpan _interval;
    private readonly ITimer _timer;
    private readonly ILogger<LocalFlush> _logger;
    private List<Activation> _waiting = [];
    private int _unstored;
    private TaskCompletionSource? _drained;

    public LocalFlush(TimeSpan interval, TimeProvider time, ILogger<LocalFlush> logger)
    {
        (_interval, _logger) = (interval, logger);
        _timer = time.CreateTimer(static flush => ((LocalFlush)flush!).StoreWaiting(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Has an entity stored at the next occasion. It stays in its slot until then.</summary>
    public void Add(Activation activation)
    {
        lock (_lock)
        {
            _unstored++;
            _waiting.Add(activation);
            if (_waiting.Count == 1)
            {
                _timer.Change(_interval, Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>An attempt to store an entity has ended. If it failed, the entity was added again before.</summary>
    public void Done()
    {
        lock (_lock)
        {
            if (--_unstored == 0)
            {
                _drained?.TrySetResult();
                _drained = null;
            }
        }
    }

    /// <summary>What an entity has changed belongs to a lease that is over: others may have its seat.</summary>
    public void Lost(EntityId entity, int changes)
    {
        LogLost(entity, changes);
        Done();
    }

    /// <summary>Stores now what is waiting; completes when nothing is left.</summary>
    public Task DrainAsync()
    {
        Task drained;
        lock (_lock)
        {
            if (_unstored == 0)
            {
                return Task.CompletedTask;
            }

            drained = (_drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        StoreWaiting();
        return drained;
    }

    public void Dispose() => _timer.Dispose();

    private void StoreWaiting()
    {
        List<Activation> waiting;
        lock (_lock)
        {
            (waiting, _waiting) = (_waiting, []);
        }

        foreach (var activation in waiting)
        {
            activation.StoreLocal();
        }
    }

    [LoggerMessage(90, LogLevel.Warning, "The lease of this process has ended before the last changes of {Entity} at level Local were stored. They are lost ({Changes} deltas).", EventName = "LocalChangesLost")]
    private partial void LogLost(EntityId entity, int changes);
}
