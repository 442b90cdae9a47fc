namespace CloudState.Knative.Storage;

/// <summary>The place of a command among those that are to be handled in an order of their own.</summary>
/// <param name="Stream">What the order is of: a source and a key.</param>
/// <param name="Sequence">The number within the stream; the first one is 1.</param>
/// <param name="HoldBack">How long to wait for predecessors at most.</param>
internal sealed record EventOrder(string Stream, long Sequence, TimeSpan HoldBack);
