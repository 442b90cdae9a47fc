using CloudState.Knative.Benchmarks.Measuring;
using CloudState.Knative.Benchmarks.Processes;

namespace CloudState.Knative.Benchmarks.Systems;

/// <summary>A system that runs. It is told to end, and given time to, when it is disposed of.</summary>
internal sealed class Server(BenchSystem system, ServerPorts ports, ChildProcess process) : IAsyncDisposable
{
    public BenchSystem System => system;

    public ServerPorts Ports => ports;

    public Uri Address => new($"http://127.0.0.1:{ports.Http}");

    /// <exception cref="InvalidOperationException">The system has no gRPC edge.</exception>
    public Uri GrpcAddress => system.Grpc switch
    {
        GrpcEdge.SamePort => Address,
        GrpcEdge.OwnPort => new($"http://127.0.0.1:{ports.Grpc}"),
        _ => throw new InvalidOperationException($"{system.Name} speaks no gRPC."),
    };

    /// <summary>When its process was started, a timestamp of <see cref="global::System.Diagnostics.Stopwatch"/>.</summary>
    public long Started => process.Started;

    public bool HasExited => process.HasExited;

    public TimeSpan Cpu => ProcessTree.CpuOf(process.Id);

    /// <summary>Resident memory, in bytes.</summary>
    public long Memory => ProcessTree.MemoryOf(process.Id);

    public string LastLines() => process.LastLines();

    public async ValueTask DisposeAsync()
    {
        await process.StopAsync();
        await process.DisposeAsync();
    }
}
