using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Load;

/// <summary>Many gRPC streams that watch one cart, and count what they get.</summary>
internal sealed class CartStreams : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    // A connection takes a hundred streams.
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler { EnableMultipleHttp2Connections = true });
    private readonly CancellationTokenSource _ended = new();
    private readonly List<Task> _streams = [];
    private readonly int _count;
    private long _replies;
    private volatile TaskCompletionSource _allHaveIt = new();
    private long _awaited;

    private CartStreams(Server server, string cart, int count)
    {
        _count = count;
        _awaited = count;
        var call = new GrpcCall("WatchCart", cart);
        for (var stream = 0; stream < count; stream++)
        {
            _streams.Add(call.ReadStreamAsync(_http, server.GrpcAddress, Count, _ended.Token));
        }
    }

    /// <summary>Opens the streams; each has got its first reply.</summary>
    public static async Task<CartStreams> OpenAsync(Server server, string cart, int count)
    {
        var streams = new CartStreams(server, cart, count);
        await streams.AllHaveItAsync();
        return streams;
    }

    /// <summary>To be called before a change.</summary>
    public void Expect()
    {
        _allHaveIt = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _awaited, Volatile.Read(ref _awaited) + _count);
    }

    /// <summary>Completes when every stream has got what was expected.</summary>
    public Task AllHaveItAsync() => _count == 0 ? Task.CompletedTask : Task.WhenAny(_allHaveIt.Task, Task.WhenAll(_streams)).WaitAsync(Patience);

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await Task.WhenAll(_streams).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _http.Dispose();
    }

    private void Count(ReadOnlyMemory<byte> reply)
    {
        if (Interlocked.Increment(ref _replies) == Volatile.Read(ref _awaited))
        {
            _allHaveIt.TrySetResult();
        }
    }
}
