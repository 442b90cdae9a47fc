namespace CloudState.Knative.Calls;

/// <summary>What is to be done once the outcome of a handler is stored, and before its caller gets it.</summary>
/// <param name="Effects">The calls to make, in order.</param>
/// <param name="Forward">The call whose outcome replaces the handler's; null to keep that.</param>
internal sealed record FollowUpCalls(IReadOnlyList<PlannedCall> Effects, PlannedCall? Forward)
{
    /// <summary>Null if there is nothing to do.</summary>
    public static FollowUpCalls? Of(IEnumerable<PlannedCall> effects, PlannedCall? forward) =>
        effects.ToArray() is var calls && calls.Length == 0 && forward is null ? null : new FollowUpCalls(calls, forward);
}

/// <summary>A call that a handler has requested, with the id under which it takes effect once.</summary>
internal sealed record PlannedCall(string Id, OutgoingCall Call, bool IsSynchronous)
{
    /// <summary>Called with the outcome; null for a call that is not stored.</summary>
    public Action<CallOutcome>? Settle { get; init; }
}
