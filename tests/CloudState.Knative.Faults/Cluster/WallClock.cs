namespace CloudState.Knative.Faults.Cluster;

/// <summary>The wall clock of one pod, which can jump; <c>WallClock.c</c> reads its offset.</summary>
internal sealed class WallClock
{
    private readonly string? _offset;

    public WallClock(string folder, string pod)
    {
        if (Library is not null)
        {
            _offset = Path.Combine(folder, $"{pod}.clock");
            JumpTo(TimeSpan.Zero);
        }
    }

    /// <summary>Null on a machine without a C compiler: clocks do not jump there.</summary>
    public static string? Library { get; } = Environment.GetEnvironmentVariable("CLOUDSTATE_FAULTS_CLOCK") is { Length: > 0 } path ? path : null;

    public IEnumerable<(string Key, string Value)> Settings =>
        _offset is null ? [] : [("LD_PRELOAD", Library!), ("CLOUDSTATE_FAULTS_OFFSET", _offset)];

    /// <summary>Sets the clock this much before or after the true time.</summary>
    public void JumpTo(TimeSpan offset)
    {
        // In place: the pod has this file in its memory.
        using var file = new FileStream(_offset!, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        file.Write(BitConverter.GetBytes((long)offset.TotalSeconds));
    }
}
