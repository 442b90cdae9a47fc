namespace CloudState.Knative;

/// <summary>Which of two concurrent values of an <see cref="LwwRegister{T}"/> wins: the one with the higher clock.</summary>
public enum LwwClock
{
    /// <summary>The time of the process, in milliseconds: the last value wins. One that has seen another is later, whatever the clocks say.</summary>
    Default,

    /// <summary>The negated time of the process, in milliseconds: the first value wins.</summary>
    Reverse,

    /// <summary>The given number.</summary>
    Custom,

    /// <summary>The given number, or one more than the clock of the present value if that is higher: a value that has seen another wins.</summary>
    CustomAutoIncrement,
}
