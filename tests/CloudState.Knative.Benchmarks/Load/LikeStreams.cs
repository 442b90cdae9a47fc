using System.Diagnostics;
using CloudState.Knative.Benchmarks.Systems;
using Likes;

namespace CloudState.Knative.Benchmarks.Load;

/// <summary>A gRPC stream for each of several pages, and when each of their counts came. A stream may skip counts: a later one shows the likes before it, too.</summary>
internal sealed class LikeStreams : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // A connection takes a hundred streams.
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler { EnableMultipleHttp2Connections = true });
    private readonly CancellationTokenSource _ended = new();
    private readonly Dictionary<string, Watched> _pages;
    private readonly Task[] _streams;

    private LikeStreams(Server server, IEnumerable<string> pages)
    {
        _pages = pages.ToDictionary(page => page, _ => new Watched());
        _streams = [.. _pages.Select(page => CallOf(page.Key).ReadStreamAsync(_http, server.GrpcAddress, page.Value.Add, _ended.Token))];
    }

    /// <summary>Opens the streams; each has got its first count.</summary>
    public static async Task<LikeStreams> OpenAsync(Server server, IEnumerable<string> pages)
    {
        var streams = new LikeStreams(server, pages);
        await Task.WhenAll(streams._pages.Keys.Select(page => streams.TryWaitForAsync(page, 0)));
        return streams;
    }

    /// <summary>Returns when a page's stream has shown that count, or a higher one; false if it does not come.</summary>
    public async Task<bool> TryWaitForAsync(string page, ulong count)
    {
        try
        {
            var shown = _pages[page].WaitAsync(count);
            return await Task.WhenAny(shown, Task.WhenAll(_streams)).WaitAsync(Patience) == shown;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>When a page's stream has first shown that count, or a higher one, a timestamp of <see cref="Stopwatch"/>; null if it has not.</summary>
    public long? SeenAt(string page, ulong count) => _pages[page].SeenAt(count);

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await Task.WhenAll(_streams).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _http.Dispose();
        _ended.Dispose();
    }

    private static GrpcCall CallOf(string page) => new("Watch", page) { Service = "com.example.likes.PageLikes" };

    private sealed class Watched
    {
        private static readonly Comparer<(ulong Count, long At)> ByCount = Comparer<(ulong Count, long At)>.Create((one, other) => one.Count.CompareTo(other.Count));

        private readonly Lock _lock = new();

        // Rises.
        private readonly List<(ulong Count, long At)> _shown = [];
        private readonly List<(ulong Count, TaskCompletionSource Shown)> _waiting = [];

        public void Add(ReadOnlyMemory<byte> reply)
        {
            var at = Stopwatch.GetTimestamp();
            var count = LikeCount.Parser.ParseFrom(reply.Span).Count;
            lock (_lock)
            {
                if (_shown.Count == 0 || count > _shown[^1].Count)
                {
                    _shown.Add((count, at));
                }

                _waiting.RemoveAll(waiting => waiting.Count <= count && waiting.Shown.TrySetResult());
            }
        }

        public Task WaitAsync(ulong count)
        {
            lock (_lock)
            {
                if (_shown.Count > 0 && _shown[^1].Count >= count)
                {
                    return Task.CompletedTask;
                }

                var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiting.Add((count, waiting));
                return waiting.Task;
            }
        }

        public long? SeenAt(ulong count)
        {
            lock (_lock)
            {
                var index = _shown.BinarySearch((count, 0), ByCount);
                index = index < 0 ? ~index : index;
                return index < _shown.Count ? _shown[index].At : null;
            }
        }
    }
}
