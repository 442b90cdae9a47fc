using CloudState.Knative.Benchmarks.Load;
using CloudState.Knative.Benchmarks.Measuring;
using CloudState.Knative.Benchmarks.Reporting;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Workloads;

/// <summary>What a system makes of many writers of one cart or page, a new one in every measurement.</summary>
internal sealed class HotCart(string name, string title, Func<BenchSystem, bool> suits) : IWorkload
{
    public static readonly HotCart Carts = new("w3", "writes to one hot cart", _ => true);
    public static readonly HotCart Likes = new(
        "w10", "likes of one page, one pod, against writes to one hot cart", system => system.Name == SystemCatalog.CloudState || system.HasLikes);

    public string Name => name;

    public string Title => title;

    public bool Suits(BenchSystem system) => suits(system);

    public async Task<IReadOnlyList<Measurement>> MeasureAsync(BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken)
    {
        var measurements = new List<Measurement>();
        foreach (var connections in bench.Options.Connections)
        {
            measurements.Add(await MeasureAsync(connections, system, round, bench, cancellationToken));
        }

        return measurements;
    }

    private async Task<Measurement> MeasureAsync(int connections, BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken)
    {
        await using var server = await bench.Starter.StartAsync(system, cancellationToken);
        var load = new WrkLoad(system.Paths.WriteScript, $"hot-{Name}-{round}-{connections}-", 1) { Connections = connections };
        await Wrk.RunAsync([server], load, bench.Options.WarmUp, cancellationToken);

        await bench.Postgres.CheckpointAsync(cancellationToken);
        var cpu = new CpuMeter([server], bench.Postgres);
        var result = await Wrk.RunAsync([server], load, bench.Options.Duration, cancellationToken);
        return new Measurement(Name, $"{connections} connections", system.Name, round).With(result, cpu, [server]);
    }
}
