using CloudState.Knative.Benchmarks.Load;
using CloudState.Knative.Benchmarks.Measuring;
using CloudState.Knative.Benchmarks.Reporting;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Workloads;

/// <summary>How fast carts come back into memory after a restart: many of 100 events, some of 10,000, and for comparison those that have none.</summary>
internal sealed class Activation : IWorkload
{
    private const int Connections = 64;
    private const int EmptyCarts = 50;

    private readonly CartSet _carts = new("cold-", 2_000, 100);
    private readonly CartSet[] _warmUps = [new("warm-", 1_000, 100), new("hot-", 1_000, 100)];
    private readonly CartSet _longCart = new("long-", 1, 10_000);

    // One read says little, but some of the others take minutes to make one such cart.
    private readonly CartSet _longCarts = new("long-", 5, 10_000);

    public string Name => "w4";

    public string Title => "first reads of carts after a restart, 64 connections";

    public bool Suits(BenchSystem system) => system.KeepsCarts;

    public async Task<IReadOnlyList<Measurement>> MeasureAsync(BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken)
    {
        if (!_carts.IsMadeFor(system))
        {
            Console.WriteLine($"{Name} {system.Name}: {_carts.Count + _warmUps.Sum(carts => carts.Count)} carts of {_carts.Events} events and {LongCartsOf(system).Count} of {_longCart.Events} are being made ...");
            await using var server = await bench.Starter.StartAsync(system, cancellationToken);
            await _carts.MakeAsync(server, cancellationToken);
            foreach (var carts in _warmUps)
            {
                await carts.MakeAsync(server, cancellationToken);
            }

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
        await using var server = await bench.Starter.StartAsync(system, cancellationToken);
        await Wrk.RunAsync([server], new WrkLoad("read.lua", $"never-written-{round}-", int.MaxValue), bench.Options.WarmUp, cancellationToken);

        foreach (var carts in _warmUps)
        {
            // Twice: just-in-time compilers count calls only once a process was quiet for a moment, and compile in the background.
            await ReadEachAsync(carts, Connections);
            await server.WaitUntilQuietAsync(cancellationToken);
        }

        await bench.Postgres.CheckpointAsync(cancellationToken);
        var cpu = new CpuMeter([server], bench.Postgres);
        var many = Of($"{_carts.Count:#,0} carts of {_carts.Events} events{variant}").With(await ReadEachAsync(_carts, Connections), cpu, [server]);
        var empty = await ReadEachAsync(new CartSet($"empty-{round}-", EmptyCarts, 0), connections: 1);
        var @long = await ReadEachAsync(LongCartsOf(system), connections: 1);
        return
        [
            many,
            Of($"a cart of {_longCart.Events:#,0} events, one at a time{variant}") with { MedianMs = @long.Median.TotalMilliseconds },
            Of($"a cart without events, one at a time{variant}") with { MedianMs = empty.Median.TotalMilliseconds },
        ];

        Task<LoadResult> ReadEachAsync(CartSet carts, int connections) => Wrk.ReadEachAsync(server, carts.Prefix, carts.Count, connections, cancellationToken);

        Measurement Of(string part) => new(Name, part, system.Name, round);
    }
}
