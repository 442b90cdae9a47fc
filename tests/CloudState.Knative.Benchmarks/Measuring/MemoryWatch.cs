using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Measuring;

/// <summary>Looks at a server's resident memory from its creation on.</summary>
internal sealed class MemoryWatch : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private readonly CancellationTokenSource _ended = new();
    private readonly Task _watching;
    private long _most;

    public MemoryWatch(Server server) => _watching = WatchAsync(server);

    /// <summary>In bytes.</summary>
    public long Most => Interlocked.Read(ref _most);

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _watching;
        _ended.Dispose();
    }

    private async Task WatchAsync(Server server)
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            do
            {
                Interlocked.Exchange(ref _most, Math.Max(_most, server.Memory));
            }
            while (await timer.WaitForNextTickAsync(_ended.Token));
        }
        catch (OperationCanceledException)
        {
        }
    }
}
