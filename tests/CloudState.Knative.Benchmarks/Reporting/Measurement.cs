using CloudState.Knative.Benchmarks.Load;
using CloudState.Knative.Benchmarks.Measuring;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Reporting;

/// <summary>One measurement; what was not measured is null. <c>Part</c> names one of several things that a workload measures, and is empty when there is only one.</summary>
internal sealed record Measurement(string Workload, string Part, string System, int Round)
{
    public double? PerSecond { get; init; }

    public double? MedianMs { get; init; }

    public double? P99Ms { get; init; }

    /// <summary>How long all of it took.</summary>
    public double? Seconds { get; init; }

    /// <summary>Changes that were sent.</summary>
    public double? Sent { get; init; }

    /// <summary>Those of them that their watchers have seen.</summary>
    public double? Seen { get; init; }

    /// <summary>Microseconds per request.</summary>
    public double? ServerCpu { get; init; }

    /// <summary>Microseconds per request.</summary>
    public double? PostgresCpu { get; init; }

    public double? BytesPerCart { get; init; }

    /// <summary>Resident memory at the end, in megabytes (10^6 bytes); of a workload that watches it, the most.</summary>
    public double? MemoryMb { get; init; }

    public long Errors { get; init; }

    /// <summary>With what a load generator has seen and the server and PostgreSQL have used meanwhile.</summary>
    public Measurement With(LoadResult load, CpuMeter cpu, IEnumerable<Server> servers) => this with
    {
        PerSecond = load.PerSecond,
        MedianMs = load.Median.TotalMilliseconds,
        P99Ms = load.P99.TotalMilliseconds,
        ServerCpu = cpu.ServerCpu.TotalMicroseconds / Math.Max(load.Succeeded, 1),
        PostgresCpu = cpu.PostgresCpu.TotalMicroseconds / Math.Max(load.Succeeded, 1),
        MemoryMb = servers.Sum(server => server.Memory) / 1e6,
        Errors = load.Errors,
    };
}
