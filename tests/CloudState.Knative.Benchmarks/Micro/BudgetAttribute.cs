namespace CloudState.Knative.Benchmarks.Micro;

/// <summary>What an operation may cost; printed beside what it costs, not enforced: machines differ.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BudgetAttribute(int nanoseconds, int bytes) : Attribute
{
    public int Nanoseconds { get; } = nanoseconds;

    /// <summary>Allocated by one operation.</summary>
    public int Bytes { get; } = bytes;
}
