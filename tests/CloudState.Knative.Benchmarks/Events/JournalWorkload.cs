using System.Diagnostics;
using System.Globalization;
using CloudState.Knative.Benchmarks.Load;
using CloudState.Knative.Benchmarks.Measuring;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Events;

/// <summary>Measures one cell: pods on a database of their own, commands at a fixed rate over 1,000 sensors.</summary>
internal sealed class JournalWorkload(JournalRunOptions options, PostgresServer postgres, ServerStarter starter)
{
    private const int SensorCount = 1_000;
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);

    public async Task<JournalMeasurement> MeasureAsync(JournalCell cell, CancellationToken cancellationToken)
    {
        var system = SystemOf(cell);
        await postgres.DropDatabaseAsync(system, cancellationToken);
        await starter.MigrateAsync(system, cancellationToken);
        Server[] pods = [];
        try
        {
            // Each method is compiled once, at its first call: many pods on few cores would otherwise compile during the measurement.
            pods = await starter.StartAllAsync(system, cell.Pods, cancellationToken, ("DOTNET_TieredCompilation", "0"));
            await ClusterProbe.WaitUntilBalancedAsync(pods, cancellationToken);
            return await MeasureAsync(cell, pods, cancellationToken);
        }
        finally
        {
            await Task.WhenAll(pods.Select(pod => pod.DisposeAsync().AsTask()));
            await postgres.DropDatabaseAsync(system, CancellationToken.None);
        }
    }

    private static BenchSystem SystemOf(JournalCell cell) => new($"journal-{cell.Pods}-{cell.Consumers}", typeof(SensorPod).Assembly.Location)
    {
        Arguments = [SensorPod.Role, $"{cell.Consumers}"],
        Paths = new CartPaths("/sensors/{user}/reports", "GET", SensorPod.CountsPath),
        IsCloudState = true,
    };

    private static string SensorOf(int number) => $"sensor-{number % SensorCount}";

    /// <summary>An event of about 100 bytes comes of it.</summary>
    private static string BodyOf(int number) =>
        string.Create(CultureInfo.InvariantCulture, $$"""{"value":{{number}},"note":"temperature of the second boiler, in the cellar"}""");

    private async Task<JournalMeasurement> MeasureAsync(JournalCell cell, Server[] pods, CancellationToken cancellationToken)
    {
        // 1. The code is compiled, the entities are in memory and the consumers have caught up.
        using var load = new PacedLoad(pods, options.Rate, number => pods[0].System.Paths.WriteOf(SensorOf(number)), BodyOf);
        using var counts = new PodCounts(pods, cell.Consumers);
        var warmUp = await load.RunAsync(options.WarmUp, cancellationToken);
        var takenBefore = await counts.WaitForAsync(warmUp.Succeeded, cancellationToken);
        await Task.Delay(Settling, cancellationToken);
        await postgres.CheckpointAsync(cancellationToken);

        // 2. The load, and the rest of its events until the last consumer has taken them.
        var before = await postgres.ReadStatisticsAsync(pods[0].System, cancellationToken);
        var (cpu, started) = (new CpuMeter(pods, postgres), Stopwatch.GetTimestamp());
        var result = await load.RunAsync(options.Duration, cancellationToken);
        var answered = Stopwatch.GetTimestamp();
        var taken = await counts.WaitForAsync(result.Succeeded, cancellationToken);
        var (lag, elapsed) = (Stopwatch.GetElapsedTime(answered, taken.Timestamp), Stopwatch.GetElapsedTime(started));
        var (postgresCpu, podCpu) = (cpu.PostgresCpu, cpu.ServerCpu);
        var after = await postgres.ReadStatisticsAsync(pods[0].System, cancellationToken);

        var events = Math.Max(result.Succeeded, 1);
        return new JournalMeasurement(cell)
        {
            PerSecond = result.PerSecond,
            PostgresCpu = postgresCpu.TotalMicroseconds / events,
            PodCpu = podCpu.TotalMicroseconds / events,
            Commits = (after.Commits - before.Commits) / elapsed.TotalSeconds,
            Rows = (after.Rows - before.Rows) / (double)events,
            LagMs = lag.TotalMilliseconds,
            P99Ms = result.P99.TotalMilliseconds,
            Errors = warmUp.Errors + result.Errors,
            Missing = takenBefore.Missing + taken.Missing,
            Duplicates = takenBefore.Duplicates + taken.Duplicates,
        };
    }
}
