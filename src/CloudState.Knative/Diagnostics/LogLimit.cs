namespace CloudState.Knative.Diagnostics;

/// <summary>Lets a log line pass once a minute, about what clients can cause as often as they like.</summary>
internal sealed class LogLimit(TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private long _count;
    private long? _lastLine;

    /// <summary>Counts an occurrence.</summary>
    /// <param name="count">How many there were since the last line, with this one.</param>
    /// <returns>Whether to log it.</returns>
    public bool TryTake(out long count)
    {
        lock (_lock)
        {
            count = ++_count;
            if (_lastLine is { } last && time.GetElapsedTime(last) < Interval)
            {
                return false;
            }

            (_count, _lastLine) = (0, time.GetTimestamp());
            return true;
        }
    }
}
