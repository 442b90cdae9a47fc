namespace CloudState.Knative.Faults.Checking;

/// <summary>An operation and the time in which it took effect.</summary>
/// <param name="Operation">With its result.</param>
/// <param name="Invoked">Not before this.</param>
/// <param name="Returned">Not after this; null when it may take effect at any later time, or never.</param>
internal readonly record struct Interval<TOperation>(TOperation Operation, long Invoked, long? Returned);
