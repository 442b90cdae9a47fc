using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using CloudState.Knative.Benchmarks.Measuring;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Load;

/// <summary>Requests at a fixed rate, to servers and keys in turn. When the servers are slower, all requests are made all the same, and it takes longer.</summary>
/// <param name="servers">Which take the requests in turn.</param>
/// <param name="perSecond">How many requests become due in a second.</param>
/// <param name="pathOf">The path of the request of that number.</param>
/// <param name="bodyOf">Its body, JSON.</param>
internal sealed class PacedLoad(IReadOnlyList<Server> servers, int perSecond, Func<int, string> pathOf, Func<int, string> bodyOf) : IDisposable
{
    private const int Connections = 64;
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly HttpClient _http = new();

    /// <summary>
    /// Takes the number of a request that succeeded, when it was sent, a timestamp of <see cref="Stopwatch"/>, and the body of its answer. Called on any thread.
    /// </summary>
    public Action<int, long, string>? OnAnswer { get; init; }

    public async Task<LoadResult> RunAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        var milliseconds = new double[(int)(perSecond * duration.TotalSeconds)];
        var (last, errors, started) = (-1, 0L, Stopwatch.GetTimestamp());
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => SendAsync()));
        var elapsed = Stopwatch.GetElapsedTime(started);
        return new LoadResult(
            milliseconds.Length - errors,
            errors,
            elapsed,
            TimeSpan.FromMilliseconds(Statistics.Percentile(milliseconds, 0.5)),
            TimeSpan.FromMilliseconds(Statistics.Percentile(milliseconds, 0.99)));

        async Task SendAsync()
        {
            while (Interlocked.Increment(ref last) is var number && number < milliseconds.Length)
            {
                var due = TimeSpan.FromSeconds((double)number / perSecond);
                if (due - Stopwatch.GetElapsedTime(started) is { Ticks: > 0 } early)
                {
                    await Task.Delay(early, cancellationToken);
                }

                var sent = Stopwatch.GetTimestamp();
                var answer = await TrySendAsync(number, cancellationToken);
                milliseconds[number] = Stopwatch.GetElapsedTime(sent).TotalMilliseconds;
                if (answer is null)
                {
                    Interlocked.Increment(ref errors);
                }
                else
                {
                    OnAnswer?.Invoke(number, sent, answer);
                }
            }
        }
    }

    public void Dispose() => _http.Dispose();

    /// <summary>The body of the answer; null if the request failed.</summary>
    private async Task<string?> TrySendAsync(int number, CancellationToken cancellationToken)
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(bodyOf(number))) { Headers = { ContentType = Json } };
        try
        {
            using var response = await _http.PostAsync(new Uri(servers[number % servers.Count].Address, pathOf(number)), content, cancellationToken);
            return response.IsSuccessStatusCode ? await response.Content.ReadAsStringAsync(cancellationToken) : null;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }
}
