using CloudState.Knative.Benchmarks.Reporting;
using CloudState.Knative.Benchmarks.Systems;
using CloudState.Knative.Benchmarks.Workloads;

namespace CloudState.Knative.Benchmarks;

/// <summary>One run: the workloads one after another, in each the systems in turn, round by round.</summary>
internal sealed class BenchmarkRun(RunOptions options)
{
    private int _failures;

    /// <returns>0 when everything was measured.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var postgres = new PostgresServer();
        var bench = new Workbench(options, postgres, new ServerStarter(postgres));
        var workloads = WorkloadCatalog.All.Where(workload => options.Workloads.Contains(workload.Name)).ToArray();
        using var raw = new RawFile(options.Out);

        var systems = await PrepareAsync(bench, workloads, cancellationToken);
        foreach (var workload in workloads)
        {
            var measurements = await MeasureAsync(workload, [.. systems.Where(system => IsMeasured(system, workload))], bench, raw, cancellationToken);
            if (measurements.Count > 0)
            {
                ResultTable.Print($"{workload.Name} {workload.Title}: medians, ratios to the first line", measurements);
                Console.WriteLine();
            }
        }

        Console.WriteLine($"The raw figures: {options.Out}");
        return _failures == 0 ? 0 : 1;
    }

    private static bool IsMeasured(BenchSystem system, IWorkload workload) =>
        workload.Suits(system) && system.Workloads?.Contains(workload.Name) is not false;

    private async Task<IReadOnlyList<BenchSystem>> PrepareAsync(Workbench bench, IReadOnlyList<IWorkload> workloads, CancellationToken cancellationToken)
    {
        var prepared = new List<BenchSystem>();
        foreach (var system in SystemCatalog.All.Where(system => options.Systems.Contains(system.Name) && workloads.Any(workload => IsMeasured(system, workload))))
        {
            if (system.Name == SystemCatalog.CloudStateAot && !options.WithAot)
            {
                continue;
            }

            if (!File.Exists(system.Program))
            {
                Console.WriteLine($"{system.Name} is skipped: there is no {Path.GetFileName(system.Program)}.");
                continue;
            }

            if (await TryAsync($"{system.Name}, migration", () => bench.Starter.MigrateAsync(system, cancellationToken), cancellationToken))
            {
                prepared.Add(system);
            }
        }

        return prepared;
    }

    private async Task<IReadOnlyList<Measurement>> MeasureAsync(
        IWorkload workload, IReadOnlyList<BenchSystem> systems, Workbench bench, RawFile raw, CancellationToken cancellationToken)
    {
        var all = new List<Measurement>();
        for (var round = 1; round <= workload.RoundsOf(options); round++)
        {
            foreach (var system in systems)
            {
                await TryAsync($"{workload.Name}, {system.Name}, round {round}", async () =>
                {
                    foreach (var measurement in await workload.MeasureAsync(system, round, bench, cancellationToken))
                    {
                        all.Add(measurement);
                        raw.Add(measurement);
                        Console.WriteLine(ProgressLine.Of(measurement));
                    }
                }, cancellationToken);
            }
        }

        return all;
    }

    /// <summary>A system that fails does not end the run; its failure is told.</summary>
    private async Task<bool> TryAsync(string what, Func<Task> action, CancellationToken cancellationToken)
    {
        try
        {
            await action();
            return true;
        }
        catch (Exception failed) when (!cancellationToken.IsCancellationRequested)
        {
            _failures++;
            Console.WriteLine($"{what} failed: {failed.Message}");
            return false;
        }
    }
}
