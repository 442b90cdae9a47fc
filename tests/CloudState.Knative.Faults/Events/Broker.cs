using System.Net;
using CloudState.Knative.Faults.Cluster;

namespace CloudState.Knative.Faults.Events;

/// <summary>Stands for a Knative broker: delivers each event to whatever pod is there, and again until it is taken.</summary>
internal sealed class Broker(PodCluster cluster, int concurrency, int seed)
{
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan FirstBackoff = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestBackoff = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _free = new(concurrency);
    private readonly Lock _lock = new();
    private readonly Random _random = new(seed);
    private int _retries;
    private int _delivered;

    public int Retries => Volatile.Read(ref _retries);

    public int Delivered => Volatile.Read(ref _delivered);

    /// <summary>Returns when all are taken. Those that were tried in vain, and wait for the next attempt, and those under way are at most so many as the window says.</summary>
    public Task DeliverAsync(IEnumerable<Shipment> shipments, int window, CancellationToken cancellationToken) => Parallel.ForEachAsync(
        shipments,
        new ParallelOptions { MaxDegreeOfParallelism = window, CancellationToken = cancellationToken },
        async (shipment, cancelled) => await DeliverAsync(shipment, cancelled));

    /// <summary>Returns when it is taken.</summary>
    /// <exception cref="InvalidOperationException">It is rejected.</exception>
    public async Task DeliverAsync(Shipment shipment, CancellationToken cancellationToken)
    {
        var backoff = FirstBackoff;
        while (!await TryDeliverAsync(shipment, cancellationToken))
        {
            Interlocked.Increment(ref _retries);
            await Task.Delay(backoff * Jitter(), cancellationToken);
            backoff = backoff * 2 < LongestBackoff ? backoff * 2 : LongestBackoff;
        }

        Interlocked.Increment(ref _delivered);
    }

    private async Task<bool> TryDeliverAsync(Shipment shipment, CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken);
        try
        {
            return cluster.Next() is { } pod && await TryDeliverAsync(shipment, pod, cancellationToken);
        }
        finally
        {
            _free.Release();
        }
    }

    private static async Task<bool> TryDeliverAsync(Shipment shipment, Pod pod, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(AttemptTimeout);
        try
        {
            using var request = shipment.ToRequest();
            using var answer = await pod.Connections.Http.SendAsync(request, timeout.Token);
            return answer.IsSuccessStatusCode || (MayWorkLater(answer.StatusCode)
                ? false
                : throw new InvalidOperationException($"'{shipment.Id}' was rejected: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(timeout.Token)}"));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static bool MayWorkLater(HttpStatusCode status) => (int)status is 404 or 408 or 409 or 429 or >= 500;

    private double Jitter()
    {
        lock (_lock)
        {
            return 0.5 + _random.NextDouble();
        }
    }
}
