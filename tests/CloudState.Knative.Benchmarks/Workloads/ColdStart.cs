using System.Diagnostics;
using CloudState.Knative.Benchmarks.Load;
using CloudState.Knative.Benchmarks.Reporting;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Workloads;

/// <summary>How long the first request waits for a service that was scaled to zero.</summary>
internal sealed class ColdStart : IWorkload
{
    private const int StartsPerRound = 3;

    public string Name => "w5";

    public string Title => "start of the process to the first durable write answered, schema present (three times the rounds)";

    public int RoundsOf(RunOptions options) => StartsPerRound * options.Rounds;

    public async Task<IReadOnlyList<Measurement>> MeasureAsync(BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken)
    {
        await bench.Postgres.CheckpointAsync(cancellationToken);
        await using var server = bench.Starter.Launch(system);
        await FirstAnswer.WaitForAsync(server, $"first-{round}", cancellationToken);
        var elapsed = Stopwatch.GetElapsedTime(server.Started);
        return
        [
            new Measurement(Name, "", system.Name, round)
            {
                MedianMs = elapsed.TotalMilliseconds,
                ServerCpu = server.Cpu.TotalMicroseconds,
                MemoryMb = server.Memory / 1e6,
            },
        ];
    }
}
