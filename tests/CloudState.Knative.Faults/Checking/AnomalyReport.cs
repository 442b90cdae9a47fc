using System.Diagnostics;
using CloudState.Knative.Faults.Nemesis;

namespace CloudState.Knative.Faults.Checking;

/// <summary>Counts anomalies, and tells the first ones in detail.</summary>
internal sealed class AnomalyReport(FaultLog faults, Func<Task<string>> describeCluster)
{
    private const int MaxDetails = 5;
    private const int MaxLines = 50;
    private int _count;

    public int Count => _count;

    /// <param name="what">One line.</param>
    /// <param name="details">Lines that explain it.</param>
    /// <param name="at">When it happened, as a timestamp; null: now.</param>
    public async Task AddAsync(string what, string details = "", long? at = null)
    {
        var number = Interlocked.Increment(ref _count);
        if (number > MaxLines)
        {
            return;
        }

        if (number > MaxDetails)
        {
            Console.WriteLine($"ANOMALY {number}: {what}");
            return;
        }

        Console.WriteLine($"""
            ANOMALY {number}: {what}
            {details}  the last faults before it:
            {faults.Describe(at ?? Stopwatch.GetTimestamp(), 4)}  the cluster, now:
            {await describeCluster()}
            """);
    }
}
