namespace CloudState.Knative.Lattices;

/// <summary>How the clock of a register's value comes about, as in Cloudstate.</summary>
internal enum RegisterClock
{
    /// <summary>Hybrid logical time: the last value wins. One that has seen another is later, whatever the clocks of their pods say.</summary>
    Default,

    /// <summary>Negated time: the first value wins.</summary>
    Reverse,

    /// <summary>The caller's.</summary>
    Custom,

    /// <summary>The caller's, or one more than that of the value which is there, if that is higher.</summary>
    CustomAutoIncrement,
}

internal static class RegisterClockExtensions
{
    /// <param name="clock">How.</param>
    /// <param name="time">The caller's time or clock.</param>
    /// <param name="current">The clock of the value that is there.</param>
    public static long Tick(this RegisterClock clock, long time, long? current) => clock switch
    {
        RegisterClock.Reverse => -Math.Max(time, -long.MaxValue),
        RegisterClock.Default or RegisterClock.CustomAutoIncrement when current is < long.MaxValue => Math.Max(time, current.Value + 1),
        RegisterClock.Default or RegisterClock.CustomAutoIncrement => current ?? time,
        _ => time,
    };
}
