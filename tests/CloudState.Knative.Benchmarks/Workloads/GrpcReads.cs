using CloudState.Knative.Benchmarks.Load;
using CloudState.Knative.Benchmarks.Measuring;
using CloudState.Knative.Benchmarks.Reporting;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Workloads;

/// <summary>How far reads over gRPC are from what the framework does without anything behind it.</summary>
internal sealed class GrpcReads : IWorkload
{
    private const string Cart = "grpc";

    public string Name => "w2g";

    public string Title => "reads of one cart over gRPC, 64 calls at a time; nostorage is a bare echo";

    public bool Suits(BenchSystem system) => system.Grpc != GrpcEdge.None;

    public async Task<IReadOnlyList<Measurement>> MeasureAsync(BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken)
    {
        await using var server = await bench.Starter.StartAsync(system, cancellationToken);
        using (var client = new CartClient(server))
        {
            await client.WriteAsync(Cart, 1, cancellationToken);
        }

        var call = new GrpcCall("GetCart", Cart);
        await call.VerifyAsync(server.GrpcAddress, cancellationToken);
        await H2Load.RunAsync(server.GrpcAddress, call, bench.Options.WarmUp, cancellationToken);

        var cpu = new CpuMeter([server], bench.Postgres);
        var result = await H2Load.RunAsync(server.GrpcAddress, call, bench.Options.Duration, cancellationToken);
        return [new Measurement(Name, "", system.Name, round).With(result, cpu, [server])];
    }
}
