using CloudState.Knative.Benchmarks.Load;
using CloudState.Knative.Benchmarks.Measuring;
using CloudState.Knative.Benchmarks.Reporting;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Workloads;

/// <summary>How many requests to random carts a system answers, which it has in memory if it ever has.</summary>
internal sealed class CartThroughput(string name, string title, string script, CartSet carts) : IWorkload
{
    public static readonly CartThroughput DurableWrites = new("w1", "durable writes, 64 connections, 10,000 carts", "write.lua", CartSet.Written);
    public static readonly CartThroughput Reads = new("w2", "reads over HTTP/1.1, 64 connections, 10,000 carts of 3 items", "read.lua", CartSet.Read);
    public static readonly CartThroughput Mixed = new("w7", "90 % reads, 10 % writes, 64 connections, 10,000 carts", "mixed.lua", CartSet.Written);

    public string Name => name;

    public string Title => title;

    public async Task<IReadOnlyList<Measurement>> MeasureAsync(BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken)
    {
        await using var server = await bench.Starter.StartAsync(system, cancellationToken);
        await carts.WarmAsync(server, cancellationToken);
        var load = new WrkLoad(script, carts.Prefix, carts.Count);
        await Wrk.RunAsync([server], load, bench.Options.WarmUp, cancellationToken);

        await bench.Postgres.CheckpointAsync(cancellationToken);
        var cpu = new CpuMeter([server], bench.Postgres);
        var result = await Wrk.RunAsync([server], load, bench.Options.Duration, cancellationToken);
        return [new Measurement(Name, "", system.Name, round).With(result, cpu, [server])];
    }
}
