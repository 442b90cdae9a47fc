namespace CloudState.Knative.Benchmarks.Events;

/// <summary>How many pods run, and how many consumers take the events.</summary>
internal readonly record struct JournalCell(int Pods, int Consumers);

/// <summary>What one measurement of a cell has found.</summary>
internal sealed record JournalMeasurement(JournalCell Cell)
{
    /// <summary>Events stored in a second of load.</summary>
    public required double PerSecond { get; init; }

    /// <summary>Microseconds of PostgreSQL per event, from the first command until all consumers have caught up.</summary>
    public required double PostgresCpu { get; init; }

    /// <summary>Microseconds of all pods per event, in the same time.</summary>
    public required double PodCpu { get; init; }

    /// <summary>Transactions of PostgreSQL per second, in the same time.</summary>
    public required double Commits { get; init; }

    /// <summary>Rows and index entries that PostgreSQL has read per event, in the same time.</summary>
    public required double Rows { get; init; }

    /// <summary>From the last answer until all consumers have caught up.</summary>
    public required double LagMs { get; init; }

    /// <summary>Of the commands.</summary>
    public required double P99Ms { get; init; }

    /// <summary>Commands that failed.</summary>
    public required long Errors { get; init; }

    /// <summary>Events that a consumer has not taken, over all consumers.</summary>
    public required long Missing { get; init; }

    /// <summary>Deliveries of events that a consumer has taken before.</summary>
    public required long Duplicates { get; init; }
}
