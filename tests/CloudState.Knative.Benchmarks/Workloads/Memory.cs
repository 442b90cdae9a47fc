using System.Diagnostics;
using CloudState.Knative.Benchmarks.Load;
using CloudState.Knative.Benchmarks.Measuring;
using CloudState.Knative.Benchmarks.Reporting;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Workloads;

/// <summary>
/// What carts cost in memory. A server grows with the number of requests, too, until its heap has found its size: as many writes
/// to few carts come first, and only what 10,000 other carts add to that counts.
/// </summary>
internal sealed class Memory : IWorkload
{
    private const int Touched = 10_000;
    private const int Million = 1_000_000;
    private const int Connections = 64;
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(2);

    public string Name => "w6";

    public string Title => "resident memory";

    public bool Suits(BenchSystem system) => system.KeepsCarts;

    public async Task<IReadOnlyList<Measurement>> MeasureAsync(BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken)
    {
        var measurements = await MeasureTouchedAsync(system, round, bench, cancellationToken);

        // Takes minutes, and is about a limit: once is enough.
        return system.IsCloudState && round == 1 ? [.. measurements, await MeasureMillionAsync(system, round, bench, cancellationToken)] : measurements;
    }

    private async Task<IReadOnlyList<Measurement>> MeasureTouchedAsync(BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken)
    {
        await using var server = await bench.Starter.StartAsync(system, cancellationToken);
        await Task.Delay(Settled, cancellationToken);
        var idle = server.Memory;
        await new CartSet($"few-{round}-", 100, Touched / 100).MakeAsync(server, cancellationToken);
        await Task.Delay(Settled, cancellationToken);
        var before = server.Memory;
        await new CartSet($"touched-{round}-", Touched, 1).MakeAsync(server, cancellationToken);
        await Task.Delay(Settled, cancellationToken);
        var after = server.Memory;
        return
        [
            new Measurement(Name, "idle after the start", system.Name, round) { MemoryMb = idle / 1e6 },
            new Measurement(Name, $"after {Touched:#,0} writes to 100 carts", system.Name, round) { MemoryMb = before / 1e6 },
            new Measurement(Name, $"after one write to each of {Touched:#,0} other carts", system.Name, round)
            {
                BytesPerCart = (after - before) / (double)Touched,
                MemoryMb = after / 1e6,
            },
        ];
    }

    private async Task<Measurement> MeasureMillionAsync(BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken)
    {
        await using var server = await bench.Starter.StartAsync(system, cancellationToken);
        await using var watch = new MemoryWatch(server);
        using var client = new CartClient(server);
        var started = Stopwatch.GetTimestamp();
        await ParallelWork.ForEachAsync(
            Connections, new CartSet("million-", Million, 0).Names, async (cart, token) => await client.ReadAsync(cart, token), cancellationToken);
        return new Measurement(Name, $"most while {Million:#,0} carts are read, 100,000 of which stay in memory", system.Name, round)
        {
            PerSecond = Million / Stopwatch.GetElapsedTime(started).TotalSeconds,
            MemoryMb = watch.Most / 1e6,
        };
    }
}
