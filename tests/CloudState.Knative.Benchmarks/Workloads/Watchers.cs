using System.Diagnostics;
using CloudState.Knative.Benchmarks.Load;
using CloudState.Knative.Benchmarks.Measuring;
using CloudState.Knative.Benchmarks.Reporting;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Workloads;

/// <summary>What streams that watch a cart cost its writers: writes one after another, each when all streams have got the one before.</summary>
internal sealed class Watchers : IWorkload
{
    private static readonly int[] Counts = [0, 1, 1_000, 10_000];

    public string Name => "w9";

    public string Title => "writes to a cart that streams watch, one at a time; CPU per stream that got one";

    public bool Suits(BenchSystem system) => system.IsCloudState;

    public async Task<IReadOnlyList<Measurement>> MeasureAsync(BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken)
    {
        await using var server = await bench.Starter.StartAsync(system, cancellationToken);
        var measurements = new List<Measurement>();
        foreach (var count in Counts)
        {
            measurements.Add(await MeasureAsync(new Measurement(Name, $"{count:#,0} streams", system.Name, round), server, $"watched-{round}-{count}", count, bench, cancellationToken));
        }

        return measurements;
    }

    private static async Task<Measurement> MeasureAsync(Measurement measurement, Server server, string cart, int count, Workbench bench, CancellationToken cancellationToken)
    {
        using var client = new CartClient(server);
        await client.WriteAsync(cart, 1, cancellationToken);
        await using var streams = await CartStreams.OpenAsync(server, cart, count);
        await WriteAsync(bench.Options.WarmUp);
        var cpu = new CpuMeter([server], bench.Postgres);
        var started = Stopwatch.GetTimestamp();
        double[] milliseconds = [.. await WriteAsync(bench.Options.Duration)];
        var elapsed = Stopwatch.GetElapsedTime(started);
        return measurement with
        {
            PerSecond = milliseconds.Length / elapsed.TotalSeconds,
            MedianMs = Statistics.Percentile(milliseconds, 0.5),
            P99Ms = Statistics.Percentile(milliseconds, 0.99),
            ServerCpu = cpu.ServerCpu.TotalMicroseconds / milliseconds.Length / Math.Max(count, 1),
            PostgresCpu = cpu.PostgresCpu.TotalMicroseconds / milliseconds.Length,
            MemoryMb = server.Memory / 1e6,
        };

        async Task<List<double>> WriteAsync(TimeSpan duration)
        {
            var took = new List<double>();
            for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < duration || took.Count == 0;)
            {
                streams.Expect();
                var sent = Stopwatch.GetTimestamp();
                await client.WriteAsync(cart, took.Count, cancellationToken);
                took.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
                await streams.AllHaveItAsync();
            }

            return took;
        }
    }
}
