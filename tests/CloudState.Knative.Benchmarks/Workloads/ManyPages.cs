using System.Diagnostics;
using CloudState.Knative.Benchmarks.Load;
using CloudState.Knative.Benchmarks.Measuring;
using CloudState.Knative.Benchmarks.Reporting;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Workloads;

/// <summary>
/// What very many pages cost, each read and liked once, of which a pod keeps at most 100,000 in memory, the default. And what they cost a process that starts
/// afterwards.
/// </summary>
internal sealed class ManyPages : IWorkload
{
    private const int Connections = 64;
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(2);

    public string Name => "w13";

    public string Title => "memory of many pages, each read and liked once";

    public bool Suits(BenchSystem system) => system.HasLikes;

    /// <summary>Takes minutes, and is about a limit: once is enough.</summary>
    public int RoundsOf(RunOptions options) => 1;

    public async Task<IReadOnlyList<Measurement>> MeasureAsync(BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken) =>
    [
        await MeasureStartAsync("start of a process to the first like, before", system, round, bench, cancellationToken),
        .. await MeasurePagesAsync(system, round, bench, cancellationToken),
        await MeasureStartAsync("start of a process to the first like, after", system, round, bench, cancellationToken),
    ];

    private async Task<IReadOnlyList<Measurement>> MeasurePagesAsync(BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken)
    {
        var keys = bench.Options.Keys;
        await using var server = await bench.Starter.StartAsync(system, cancellationToken);
        await using var watch = new MemoryWatch(server);
        using var client = new CartClient(server);
        var cpu = new CpuMeter([server], bench.Postgres);
        var started = Stopwatch.GetTimestamp();
        await ParallelWork.ForEachAsync(
            Connections,
            new CartSet($"many-{round}-", keys, 0).Names,
            async (page, token) =>
            {
                await client.ReadAsync(page, token);
                await client.WriteAsync(page, 0, token);
            },
            cancellationToken);
        var took = Stopwatch.GetElapsedTime(started);
        var touched = new Measurement(Name, $"{keys:#,0} pages", system.Name, round)
        {
            PerSecond = keys / took.TotalSeconds,
            Seconds = took.TotalSeconds,
            ServerCpu = cpu.ServerCpu.TotalMicroseconds / keys,
            PostgresCpu = cpu.PostgresCpu.TotalMicroseconds / keys,
        };
        await Task.Delay(Settled, cancellationToken);
        return
        [
            touched with { MemoryMb = server.Memory / 1e6 },
            new Measurement(Name, "most meanwhile", system.Name, round) { MemoryMb = watch.Most / 1e6 },
        ];
    }

    private async Task<Measurement> MeasureStartAsync(string part, BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken)
    {
        await bench.Postgres.CheckpointAsync(cancellationToken);
        await using var server = bench.Starter.Launch(system);
        await FirstAnswer.WaitForAsync(server, $"first-{round}", cancellationToken);
        var elapsed = Stopwatch.GetElapsedTime(server.Started);
        return new Measurement(Name, part, system.Name, round) { MedianMs = elapsed.TotalMilliseconds, MemoryMb = server.Memory / 1e6 };
    }
}
