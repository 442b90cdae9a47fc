namespace CloudState.Knative.Benchmarks.Workloads;

internal static class WorkloadCatalog
{
    public static readonly IReadOnlyList<IWorkload> All =
    [
        CartThroughput.DurableWrites,
        CartThroughput.Reads,
        new GrpcReads(),
        new HotCart(),
        new Activation(),
        new ColdStart(),
        new Memory(),
        CartThroughput.Mixed,
        new ThreePods(),
        new Watchers(),
    ];
}
