using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Benchmarks.Events;

/// <summary>How many events each consumer of this process has taken.</summary>
internal static class ConsumerCounts
{
    private static readonly long[] Counts = new long[SensorPod.MaxConsumers];
    private static readonly Empty Done = new();

    public static Empty Increment(int consumer)
    {
        Interlocked.Increment(ref Counts[consumer - 1]);
        return Done;
    }

    /// <summary>The counts of the first consumers in turn, separated by spaces.</summary>
    public static string Describe(int consumers) => string.Join(' ', Counts.Take(consumers));
}
