namespace CloudState.Knative.Benchmarks.Workloads;

internal static class WorkloadCatalog
{
    public static readonly IReadOnlyList<IWorkload> All =
    [
        CartThroughput.DurableWrites,
        CartThroughput.Reads,
        new GrpcReads(),
        HotCart.Carts,
        new Activation(),
        new ColdStart(),
        new Memory(),
        CartThroughput.Mixed,
        new ThreePods(),
        new Watchers(),
        HotCart.Likes,
        new HotPageOnPods(),
        new EventDelay(),
        new ManyPages(),
    ];
}
