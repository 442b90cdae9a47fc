using CloudState.Knative.Benchmarks.Load;
using CloudState.Knative.Benchmarks.Measuring;
using CloudState.Knative.Benchmarks.Reporting;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Workloads;

/// <summary>What three pods make of many writers of one key: each counts the likes of a page itself, where the writes to a cart all go to its owner.</summary>
internal sealed class HotPageOnPods : IWorkload
{
    private const int Pods = 3;

    public string Name => "w11";

    public string Title => "likes of one page, three pods in turn, 63 connections, against writes to one hot cart";

    public bool Suits(BenchSystem system) => system.Name == SystemCatalog.CloudState || system.HasLikes;

    public async Task<IReadOnlyList<Measurement>> MeasureAsync(BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken)
    {
        var pods = await bench.Starter.StartAllAsync(system, Pods, cancellationToken);
        try
        {
            await ClusterProbe.WaitUntilBalancedAsync(pods, cancellationToken);
            var load = new WrkLoad(system.Paths.WriteScript, $"hot-{Name}-{round}-", 1) { Threads = Pods, Connections = 63 };
            await Wrk.RunAsync(pods, load, Pods * bench.Options.WarmUp, cancellationToken);

            await bench.Postgres.CheckpointAsync(cancellationToken);
            var cpu = new CpuMeter(pods, bench.Postgres);
            var result = await Wrk.RunAsync(pods, load, bench.Options.Duration, cancellationToken);
            return [new Measurement(Name, "", system.Name, round).With(result, cpu, pods)];
        }
        finally
        {
            foreach (var pod in pods)
            {
                await pod.DisposeAsync();
            }
        }
    }
}
