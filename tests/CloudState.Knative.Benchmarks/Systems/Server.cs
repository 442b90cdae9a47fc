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

    /// <summary>Returns when its processes have used less than a tenth of a core for a moment, after 10 s at the latest.</summary>
    public async Task WaitUntilQuietAsync(CancellationToken cancellationToken)
    {
        var moment = TimeSpan.FromMilliseconds(300);
        for (var (left, last) = (TimeSpan.FromSeconds(10), Cpu); left > TimeSpan.Zero; left -= moment)
        {
            await Task.Delay(moment, cancellationToken);
            var used = Cpu - last;
            if (used < moment / 10)
            {
                return;
            }

            last += used;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await process.StopAsync();
        await process.DisposeAsync();
    }
}
