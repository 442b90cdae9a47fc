using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;

namespace CloudState.Knative.Faults.Hostile;

/// <summary>
/// A client that behaves well beside the hostile ones: adds items to carts of its own, one at a time in each, and looks at the readiness. It knows
/// what was acknowledged, and what it had to wait.
/// </summary>
/// <remarks>
/// Readiness lies when it says yes while all writes of some seconds are refused: then a load balancer goes on sending requests to this pod.
/// </remarks>
internal sealed class Neighbour : IDisposable
{
    private const int Workers = 4;
    private const int ItemsPerCart = 50;
    private const int RefusalsOfALie = 10;
    private static readonly TimeSpan TimeOfALie = TimeSpan.FromSeconds(4);

    private readonly HttpClient _http;
    private readonly ConcurrentQueue<(string Cart, string Item)> _acknowledged = new();
    private readonly Lock _lock = new();
    private List<double> _latencies = [];
    private int _refused;
    private int _unanswered;
    private int _refusedInARow;
    private long _firstOfRow;

    public Neighbour(HostileService service) => _http = new HttpClient(new SocketsHttpHandler { UseProxy = false })
    {
        BaseAddress = service.Address,
        Timeout = TimeSpan.FromSeconds(5),
    };

    public int Acknowledged => _acknowledged.Count;

    /// <summary>How often readiness was not true.</summary>
    public int Lies { get; private set; }

    public async Task RunAsync(CancellationToken ended)
    {
        var workers = Enumerable.Range(0, Workers).Select(worker => Task.Run(async () =>
        {
            for (var number = 0; !ended.IsCancellationRequested; number++)
            {
                await AddAsync($"neighbour-{worker}-{number / ItemsPerCart}", $"item-{number}");
                await Task.Delay(5, CancellationToken.None);
            }
        }, CancellationToken.None));
        await Task.WhenAll(workers.Append(Task.Run(() => WatchReadinessAsync(ended), CancellationToken.None)));
    }

    /// <summary>What was noticed since the last time.</summary>
    public Noticed TakeNoticed()
    {
        lock (_lock)
        {
            var noticed = new Noticed([.. _latencies.Order()], _refused, _unanswered);
            (_latencies, _refused, _unanswered) = ([], 0, 0);
            return noticed;
        }
    }

    public async Task<bool> IsReadyAsync() => await StatusAsync(() => _http.GetAsync("/health/readiness")) == HttpStatusCode.OK;

    /// <summary>How many acknowledged items are not there.</summary>
    public async Task<int> CountMissingAsync()
    {
        var missing = 0;
        foreach (var cart in _acknowledged.GroupBy(added => added.Cart, added => added.Item))
        {
            using var stored = JsonDocument.Parse(await _http.GetStringAsync($"/carts/{cart.Key}"));
            missing += cart.Except(stored.RootElement.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("productId").GetString()!)).Count();
        }

        return missing;
    }

    /// <summary>How many items are in a cart that nobody may have written.</summary>
    public async Task<int> CountItemsAsync(string cart)
    {
        using var stored = JsonDocument.Parse(await _http.GetStringAsync($"/carts/{cart}"));
        return stored.RootElement.GetProperty("items").GetArrayLength();
    }

    public void Dispose() => _http.Dispose();

    private async Task AddAsync(string cart, string item)
    {
        var started = Stopwatch.GetTimestamp();
        var status = await StatusAsync(() => _http.PostAsync(
            $"/cart/{cart}/items/add", new StringContent($$"""{"productId":"{{item}}","quantity":1}""", Encoding.UTF8, "application/json")));
        if (status == HttpStatusCode.OK)
        {
            _acknowledged.Enqueue((cart, item));
        }

        lock (_lock)
        {
            _latencies.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            _refused += status is not (null or HttpStatusCode.OK) ? 1 : 0;
            _unanswered += status is null ? 1 : 0;
            (_refusedInARow, _firstOfRow) = status switch
            {
                null => (_refusedInARow, _firstOfRow),
                HttpStatusCode.OK => (0, 0),
                _ => (_refusedInARow + 1, _refusedInARow == 0 ? started : _firstOfRow),
            };
        }
    }

    private async Task WatchReadinessAsync(CancellationToken ended)
    {
        while (!ended.IsCancellationRequested)
        {
            var isRefusing = false;
            lock (_lock)
            {
                isRefusing = _refusedInARow >= RefusalsOfALie && Stopwatch.GetElapsedTime(_firstOfRow) > TimeOfALie;
            }

            var isReady = await IsReadyAsync();
            lock (_lock)
            {
                Lies += isRefusing && isReady && _refusedInARow >= RefusalsOfALie ? 1 : 0;
            }

            await Task.Delay(200, CancellationToken.None);
        }
    }

    /// <summary>Null when there is no answer.</summary>
    private static async Task<HttpStatusCode?> StatusAsync(Func<Task<HttpResponseMessage>> send)
    {
        try
        {
            using var answer = await send();
            return answer.StatusCode;
        }
        catch (Exception unanswered) when (unanswered is HttpRequestException or OperationCanceledException)
        {
            return null;
        }
    }
}

/// <summary>What a well-behaved client noticed of an attack.</summary>
/// <param name="Latencies">Of its writes, in milliseconds, sorted.</param>
/// <param name="Refused">Writes that got another answer than OK.</param>
/// <param name="Unanswered">Writes without an answer.</param>
internal sealed record Noticed(double[] Latencies, int Refused, int Unanswered)
{
    public double Percentile(double part) => Latencies.Length == 0 ? 0 : Latencies[(int)Math.Min(Latencies.Length - 1, part * Latencies.Length)];
}
