using System.Collections.Concurrent;
using System.Diagnostics;
using CloudState.Knative.Benchmarks.Load;
using CloudState.Knative.Benchmarks.Measuring;
using CloudState.Knative.Benchmarks.Reporting;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Workloads;

/// <summary>How fast carts come back into memory after a restart: many of 100 events, some of 10,000, and for comparison those that have none.</summary>
internal sealed class Activation : IWorkload
{
    private const int Measured = 2_000;
    private const int WarmUp = 200;
    private const int Connections = 16;
    private const int EmptyCarts = 50;

    private readonly CartSet _carts = new("cold-", Measured + WarmUp, 100);
    private readonly CartSet _longCart = new("long-", 1, 10_000);

    // One read says little, but some of the others take minutes to make one such cart.
    private readonly CartSet _longCarts = new("long-", 5, 10_000);

    public string Name => "w4";

    public string Title => "first reads of carts after a restart, 16 at a time";

    public bool Suits(BenchSystem system) => system.KeepsCarts;

    public async Task<IReadOnlyList<Measurement>> MeasureAsync(BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken)
    {
        if (!_carts.IsMadeFor(system))
        {
            Console.WriteLine($"{Name} {system.Name}: {_carts.Count} carts of {_carts.Events} events and {LongCartsOf(system).Count} of {_longCart.Events} are being made ...");
            await using var server = await bench.Starter.StartAsync(system, cancellationToken);
            await _carts.MakeAsync(server, cancellationToken);
            await LongCartsOf(system).MakeAsync(server, cancellationToken);
        }

        var measurements = await MeasureReadsAsync("", system, round, bench, cancellationToken);
        if (!system.IsCloudState)
        {
            return measurements;
        }

        await using var snapshots = await HiddenSnapshots.HideAsync(bench.Postgres, system, cancellationToken);
        return [.. measurements, .. await MeasureReadsAsync(", without snapshots", system, round, bench, cancellationToken)];
    }

    private CartSet LongCartsOf(BenchSystem system) => system.IsCloudState ? _longCarts : _longCart;

    private async Task<IReadOnlyList<Measurement>> MeasureReadsAsync(string variant, BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken)
    {
        await bench.Postgres.CheckpointAsync(cancellationToken);
        await using var server = await bench.Starter.StartAsync(system, cancellationToken);
        using var client = new CartClient(server);
        await ReadAsync(client, _carts.Names.Skip(Measured), Connections, cancellationToken);

        var started = Stopwatch.GetTimestamp();
        var many = await ReadAsync(client, _carts.Names.Take(Measured), Connections, cancellationToken);
        var perSecond = Measured / Stopwatch.GetElapsedTime(started).TotalSeconds;
        var empty = await ReadAsync(client, new CartSet($"empty-{round}-", EmptyCarts, 0).Names, 1, cancellationToken);
        var @long = await ReadAsync(client, LongCartsOf(system).Names, 1, cancellationToken);
        return
        [
            Of($"{Measured:#,0} carts of {_carts.Events} events{variant}", many) with { PerSecond = perSecond },
            Of($"a cart of {_longCart.Events:#,0} events, one at a time{variant}", @long),
            Of($"a cart without events, one at a time{variant}", empty),
        ];

        Measurement Of(string part, IReadOnlyCollection<double> milliseconds) => new(Name, part, system.Name, round)
        {
            MedianMs = Statistics.Median(milliseconds),
            P99Ms = milliseconds.Count > 1 ? Statistics.Percentile(milliseconds, 0.99) : null,
        };
    }

    /// <summary>How long each took, in milliseconds.</summary>
    private static async Task<IReadOnlyCollection<double>> ReadAsync(CartClient client, IEnumerable<string> carts, int connections, CancellationToken cancellationToken)
    {
        var times = new ConcurrentBag<double>();
        await ParallelWork.ForEachAsync(connections, carts, async (cart, token) =>
        {
            var started = Stopwatch.GetTimestamp();
            await client.ReadAsync(cart, token);
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }, cancellationToken);
        return times;
    }
}
