namespace CloudState.Knative.Benchmarks.Reporting;

/// <summary>One column of the tables and of the file.</summary>
internal sealed record Figure(string FileName, string Title, string Format, Func<Measurement, double?> Of)
{
    /// <summary>The first of these that a workload measures is the one that it is about: the ratio is its ratio.</summary>
    public static readonly IReadOnlyList<Figure> All =
    [
        new("per_second", "per second", "#,0", measurement => measurement.PerSecond),
        new("median_ms", "median ms", "#,0.00", measurement => measurement.MedianMs),
        new("p99_ms", "p99 ms", "#,0.00", measurement => measurement.P99Ms),
        new("seconds", "seconds", "#,0", measurement => measurement.Seconds),
        new("sent", "sent", "#,0", measurement => measurement.Sent),
        new("seen", "seen", "#,0", measurement => measurement.Seen),
        new("server_cpu_us", "us server", "#,0", measurement => measurement.ServerCpu),
        new("postgres_cpu_us", "us PostgreSQL", "#,0", measurement => measurement.PostgresCpu),
        new("bytes_per_cart", "bytes a cart", "#,0", measurement => measurement.BytesPerCart),
        new("memory_mb", "RSS MB", "#,0", measurement => measurement.MemoryMb),
    ];
}
