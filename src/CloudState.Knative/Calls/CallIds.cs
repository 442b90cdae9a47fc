namespace CloudState.Knative.Calls;

/// <summary>The ids of the calls that one call of an action requests: the same ones each time it is repeated with its id.</summary>
internal sealed class CallIds(string? commandId)
{
    private int _count;

    /// <summary>The id of the next call; random if the action was called without an id.</summary>
    public string Next() => NextOrNone() ?? Guid.CreateVersion7().ToString("N");

    /// <summary>The id of the next call; null if the action was called without an id.</summary>
    public string? NextOrNone() => commandId is null ? null : CommandIds.OfCall(commandId, Interlocked.Increment(ref _count));
}
