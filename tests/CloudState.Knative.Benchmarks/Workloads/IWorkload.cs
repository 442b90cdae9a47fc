using CloudState.Knative.Benchmarks.Reporting;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Workloads;

/// <summary>Something that all systems are measured at, in turn.</summary>
internal interface IWorkload
{
    string Name { get; }

    string Title { get; }

    /// <summary>Whether it makes sense for a system.</summary>
    bool Suits(BenchSystem system) => true;

    int RoundsOf(RunOptions options) => options.Rounds;

    /// <summary>Starts the system, measures it once, and ends it.</summary>
    Task<IReadOnlyList<Measurement>> MeasureAsync(BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken);
}
