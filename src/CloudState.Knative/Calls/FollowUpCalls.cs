using CloudState.Knative.Cluster;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Calls;

/// <summary>What is to be done when the outcome of a handler is stored, before its caller hears of it.</summary>
/// <param name="Effects">The calls to make, in order.</param>
/// <param name="Forward">The call whose outcome takes the place of the handler's; null when that stands.</param>
internal sealed record FollowUpCalls(IReadOnlyList<PlannedCall> Effects, PlannedCall? Forward)
{
    /// <summary>Null when there is nothing to do.</summary>
    public static FollowUpCalls? Of(IEnumerable<PlannedCall> effects, PlannedCall? forward) =>
        effects.ToArray() is var calls && calls.Length == 0 && forward is null ? null : new FollowUpCalls(calls, forward);
}

/// <summary>A call that a handler has asked for, with the id under which it takes effect once.</summary>
internal sealed record PlannedCall(string Id, OutgoingCall Call, bool IsSynchronous)
{
    /// <summary>Where the call is stored; null when it is not.</summary>
    public StoredIn? Stored { get; init; }

    /// <summary>An entry of the outbox, and the ownership under which it was written.</summary>
    internal sealed record StoredIn(OutboxEntry Entry, OwnedSlot Slot);
}
