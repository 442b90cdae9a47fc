using System.Diagnostics;
using System.Globalization;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Events;

/// <summary>How many events each consumer has taken in all pods.</summary>
internal sealed class PodCounts(IReadOnlyList<Server> pods, int consumers) : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http = new();
    private long[] _reached = new long[consumers];

    /// <summary>Returns when each consumer has taken that many events more than at the previous call, or when none has taken any for 10 seconds.</summary>
    public async Task<TakenEvents> WaitForAsync(long events, CancellationToken cancellationToken)
    {
        var (before, counts, changed) = (_reached, await ReadAsync(cancellationToken), Stopwatch.GetTimestamp());
        while (Left().Any(left => left > 0) && Stopwatch.GetElapsedTime(changed) < Patience)
        {
            await Task.Delay(Interval, cancellationToken);
            var next = await ReadAsync(cancellationToken);
            if (!next.SequenceEqual(counts))
            {
                (counts, changed) = (next, Stopwatch.GetTimestamp());
            }
        }

        _reached = counts;
        return new TakenEvents(Left().Sum(left => Math.Max(left, 0)), Left().Sum(left => Math.Max(-left, 0)), changed);

        IEnumerable<long> Left() => counts.Zip(before, (now, then) => then + events - now);
    }

    public void Dispose() => _http.Dispose();

    private async Task<long[]> ReadAsync(CancellationToken cancellationToken)
    {
        var texts = await Task.WhenAll(pods.Select(pod => _http.GetStringAsync(new Uri(pod.Address, SensorPod.CountsPath), cancellationToken)));
        long[][] counts = [.. texts.Select(Parse)];
        return [.. Enumerable.Range(0, consumers).Select(consumer => counts.Sum(pod => pod[consumer]))];
    }

    private static long[] Parse(string counts) => [.. counts.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(count => long.Parse(count, CultureInfo.InvariantCulture))];
}

/// <summary>What consumers have taken.</summary>
/// <param name="Missing">Events that a consumer has not taken, over all consumers.</param>
/// <param name="Duplicates">Events that a consumer has taken beyond those, over all consumers.</param>
/// <param name="Timestamp">When the last one was taken.</param>
internal readonly record struct TakenEvents(long Missing, long Duplicates, long Timestamp);
