using CloudState.Knative.Faults.Cluster;

namespace CloudState.Knative.Benchmarks.Systems;

/// <summary>The ports that a server is told to use.</summary>
/// <param name="Http">For clients.</param>
/// <param name="Grpc">For clients that speak gRPC, where the system needs a port for that.</param>
/// <param name="Internal">For other processes of the same service.</param>
internal readonly record struct ServerPorts(int Http, int Grpc, int Internal)
{
    public static ServerPorts Free() => new(FreePorts.Next(), FreePorts.Next(), FreePorts.Next());
}
