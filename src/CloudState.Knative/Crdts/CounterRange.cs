using CloudState.Knative.Lattices;

namespace CloudState.Knative.Crdts;

/// <summary>The values that a handler can read of a counter. Concurrent changes can leave the range, so that reading is checked too.</summary>
internal sealed record CounterRange(Int128 Min, Int128 Max)
{
    public static readonly CounterRange Unsigned = new(ulong.MinValue, ulong.MaxValue);
    public static readonly CounterRange Signed = new(long.MinValue, long.MaxValue);

    /// <exception cref="OverflowException">The value is outside of the range.</exception>
    public Int128 Read(Counter counter) => counter.Value < Min || counter.Value > Max ? throw Outside(counter.Value) : counter.Value;

    /// <exception cref="OverflowException">The value would leave the range, or go farther away from it.</exception>
    public CounterChange? Add(Counter counter, Amount amount, Stamp stamp)
    {
        var sum = counter.Value + amount.Value;
        return (sum > Max && amount.Value > 0) || (sum < Min && amount.Value < 0) ? throw Outside(sum) : counter.Add(amount, stamp);
    }

    private static OverflowException Outside(Int128 value) =>
        new($"{value} is no value of a counter, which has 64 bits. Count in larger units, or with several counters in an OrMap.");
}
