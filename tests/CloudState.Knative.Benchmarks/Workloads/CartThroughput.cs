using CloudState.Knative.Benchmarks.Load;
using CloudState.Knative.Benchmarks.Measuring;
using CloudState.Knative.Benchmarks.Reporting;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Workloads;

/// <summary>How many requests to random carts a system answers, which it has in memory if it ever has.</summary>
internal sealed class CartThroughput(string name, string title, string script, CartSet carts) : IWorkload
{
    public static readonly CartThroughput DurableWrites = new("w1", "durable writes, 10,000 carts", "write.lua", CartSet.Written) { VariesConnections = true };
    public static readonly CartThroughput Reads = new("w2", "reads over HTTP/1.1, 64 connections, 10,000 carts of 3 items", "read.lua", CartSet.Read);
    public static readonly CartThroughput Mixed = new("w7", "90 % reads, 10 % writes, 64 connections, 10,000 carts", "mixed.lua", CartSet.Written);

    public string Name => name;

    public string Title => title;

    /// <summary>Whether it is measured with each of the numbers of connections of the options, instead of with the default one.</summary>
    private bool VariesConnections { get; init; }

    public async Task<IReadOnlyList<Measurement>> MeasureAsync(BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken)
    {
        if (!VariesConnections)
        {
            return [await MeasureAsync("", RunOptions.DefaultConnections, system, round, bench, cancellationToken)];
        }

        var measurements = new List<Measurement>();
        foreach (var connections in bench.Options.Connections)
        {
            measurements.Add(await MeasureAsync($"{connections} connections", connections, system, round, bench, cancellationToken));
        }

        return measurements;
    }

    private async Task<Measurement> MeasureAsync(
        string part, int connections, BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken)
    {
        await using var server = await bench.Starter.StartAsync(system, cancellationToken);
        await carts.WarmAsync(server, cancellationToken);
        var load = new WrkLoad(script, carts.Prefix, carts.Count) { Connections = connections };
        await Wrk.RunAsync([server], load, bench.Options.WarmUp, cancellationToken);

        await bench.Postgres.CheckpointAsync(cancellationToken);
        var cpu = new CpuMeter([server], bench.Postgres);
        var result = await Wrk.RunAsync([server], load, bench.Options.Duration, cancellationToken);
        return new Measurement(Name, part, system.Name, round).With(result, cpu, [server]);
    }
}
