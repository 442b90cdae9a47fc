namespace CloudState.Knative.Benchmarks.Systems;

/// <summary>Where a system speaks gRPC.</summary>
internal enum GrpcEdge
{
    None,
    SamePort,
    OwnPort,
}
