using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Load;

/// <summary>Many gRPC streams that watch one cart, and count what they get.</summary>
internal sealed class CartStreams : IAsyncDisposable
{
    private const int FrameHeaderLength = 5;
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
            _streams.Add(ReadAsync(new Uri(server.GrpcAddress, call.Path), call.Frame));
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

    private async Task ReadAsync(Uri address, byte[] frame)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(frame) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
            Headers = { { "te", "trailers" } },
        };
        using var response = await _http.SendAsync(request, _ended.Token);
        await using var body = await response.Content.ReadAsStreamAsync(_ended.Token);
        var buffer = new byte[4096];
        while (true)
        {
            await body.ReadExactlyAsync(buffer.AsMemory(0, FrameHeaderLength), _ended.Token);
            await body.ReadExactlyAsync(buffer.AsMemory(0, BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(1))), _ended.Token);
            if (Interlocked.Increment(ref _replies) == Volatile.Read(ref _awaited))
            {
                _allHaveIt.TrySetResult();
            }
        }
    }
}
