using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Memory;

/// <summary>
/// How much memory the process may use, which is what its container or the settings of .NET allow, and whether there is room for more work. Beyond
/// <see cref="CloudStateOptions.MaxMemoryLoad"/> new work is refused, and entities leave memory, until there is room again; what runs goes on.
/// </summary>
/// <remarks>
/// <para>
/// Garbage is no load: before work is refused it is collected. That is looked at when a request finds that .NET has collected garbage since the last one;
/// an idle process has no timer for it.
/// </para>
/// <para>
/// What is large is reserved before it is there: bodies of requests, states to load, and replies, which stay in memory as long as their client does not
/// read. A quarter of the limit may be reserved. Sizes that are not known are taken to be like the largest of late.
/// </para>
/// </remarks>
internal sealed partial class MemoryLimit
{
    // Less is not worth the count.
    private const int Small = 16 * 1024;

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan RefusalCounts = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time;
    private readonly ILogger<MemoryLimit> _logger;
    private readonly long _high;
    private readonly long _low;
    private readonly ManualResetEventSlim _isHigh = new();
    private Action? _release;
    private int _hasThread;
    private int _collections;
    private long _reserved;
    private long _refusedAt;
    private volatile bool _isTight;
    private volatile bool _hasRefused;

    /// <param name="bytes">What the process may use; null for what .NET may.</param>
    /// <param name="maxLoad">Of it, in percent.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Gets to know when work is refused.</param>
    public MemoryLimit(long? bytes, int maxLoad, TimeProvider time, ILogger<MemoryLimit> logger)
    {
        (_time, _logger) = (time, logger);
        Bytes = bytes ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        (_high, _low) = (Bytes / 100 * maxLoad, Bytes / 100 * maxLoad * 9 / 10);
    }

    /// <summary>What the process may use.</summary>
    public long Bytes { get; }

    /// <summary>Whether work is refused, or was a moment ago.</summary>
    public bool Refuses => _isTight || (_hasRefused && _time.GetElapsedTime(Volatile.Read(ref _refusedAt)) < RefusalCounts);

    /// <summary>A size of a request, unless that is more than a process with so little memory can handle.</summary>
    public int AtMost(int size) => (int)Math.Min(size, Bytes / 32);

    /// <summary>Says how memory is released when there is too little.</summary>
    public void ReleaseBy(Action release) => _release = release;

    /// <summary>Whether there is room for more work.</summary>
    public bool HasRoom()
    {
        var collections = GC.CollectionCount(0);
        if (collections != _collections)
        {
            _collections = collections;
            Look();
        }

        return !_isTight || Refuse();
    }

    /// <summary>Reserves memory, if there is enough, and says how much; less than nothing if there is too little.</summary>
    public long Reserve(long bytes)
    {
        if (bytes <= Small)
        {
            return 0;
        }

        var reserved = Interlocked.Add(ref _reserved, bytes);
        if (reserved <= Bytes / 4 || reserved == bytes)
        {
            return bytes;
        }

        Release(bytes);
        Refuse();
        return -1;
    }

    public void Release(long reserved) => Interlocked.Add(ref _reserved, -reserved);

    /// <summary>There was no memory left.</summary>
    public void RanOut()
    {
        Refuse();
        Relieve();
    }

    private bool Refuse()
    {
        Volatile.Write(ref _refusedAt, _time.GetTimestamp());
        _hasRefused = true;
        return false;
    }

    private void Look()
    {
        if (GC.GetTotalMemory(forceFullCollection: false) > _high)
        {
            Relieve();
        }
    }

    /// <summary>On a thread of its own: those of the pool may all wait for memory.</summary>
    private void Relieve()
    {
        _isHigh.Set();
        if (Interlocked.Exchange(ref _hasThread, 1) == 0)
        {
            new Thread(RelieveAlways) { IsBackground = true, Name = "CloudState memory" }.Start();
        }
    }

    private void RelieveAlways()
    {
        while (true)
        {
            _isHigh.Wait();
            var used = Collect();
            if (used > _high && !_isTight)
            {
                _isTight = true;
                LogTight(used >> 20, Bytes >> 20);
            }

            while (_isTight)
            {
                _release?.Invoke();
                used = Collect();
                if (used < _low)
                {
                    _isTight = false;
                    LogRelieved(used >> 20, Bytes >> 20);
                }

                Thread.Sleep(LookInterval);
            }

            _isHigh.Reset();
            Thread.Sleep(LookInterval);
        }
    }

    private static long Collect()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
        return GC.GetTotalMemory(forceFullCollection: false);
    }

    [LoggerMessage(1, LogLevel.Warning, "{Used} of {Limit} MB of memory are in use. New work is refused until entities have left memory.", EventName = "MemoryTight")]
    private partial void LogTight(long used, long limit);

    [LoggerMessage(2, LogLevel.Information, "{Used} of {Limit} MB of memory are in use. There is room for work again.", EventName = "MemoryRelieved")]
    private partial void LogRelieved(long used, long limit);
}
