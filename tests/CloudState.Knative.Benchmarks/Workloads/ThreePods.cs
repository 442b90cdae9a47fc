using CloudState.Knative.Benchmarks.Load;
using CloudState.Knative.Benchmarks.Measuring;
using CloudState.Knative.Benchmarks.Reporting;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Workloads;

/// <summary>What forwarding costs: of three pods behind a load balancer without any knowledge, two of three requests meet the wrong one.</summary>
internal sealed class ThreePods : IWorkload
{
    public string Name => "w8";

    public string Title => "three pods in turn against one pod, 63 connections, 10,000 carts";

    public bool Suits(BenchSystem system) => system.IsCloudState;

    public async Task<IReadOnlyList<Measurement>> MeasureAsync(BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken) =>
    [
        .. await MeasureAsync(system, 1, $"{system.Name}, one pod", round, bench, cancellationToken),
        .. await MeasureAsync(system, 3, $"{system.Name}, three pods", round, bench, cancellationToken),
    ];

    private async Task<IReadOnlyList<Measurement>> MeasureAsync(
        BenchSystem system, int count, string label, int round, Workbench bench, CancellationToken cancellationToken)
    {
        var pods = new List<Server>();
        try
        {
            while (pods.Count < count)
            {
                pods.Add(await bench.Starter.StartAsync(system, cancellationToken));
            }

            await ClusterProbe.WaitUntilBalancedAsync(pods, cancellationToken);
            return
            [
                await MeasureAsync("writes", "write.lua", CartSet.Written),
                await MeasureAsync("reads", "read.lua", CartSet.Read),
            ];
        }
        finally
        {
            foreach (var pod in pods)
            {
                await pod.DisposeAsync();
            }
        }

        async Task<Measurement> MeasureAsync(string part, string script, CartSet carts)
        {
            await carts.WarmAsync(pods[0], cancellationToken);
            var load = new WrkLoad(script, carts.Prefix, carts.Count) { Threads = 3, Connections = 63 };
            await Wrk.RunAsync(pods, load, pods.Count * bench.Options.WarmUp, cancellationToken);

            await bench.Postgres.CheckpointAsync(cancellationToken);
            var cpu = new CpuMeter(pods, bench.Postgres);
            var result = await Wrk.RunAsync(pods, load, bench.Options.Duration, cancellationToken);
            return new Measurement(Name, part, label, round).With(result, cpu, pods);
        }
    }
}
