using CloudState.Knative.Cluster;
using CloudState.Knative.Journal;
using CloudState.Knative.Outbox;

namespace CloudState.Knative.Delivery;

/// <summary>Whether this process has anything to deliver: stored calls, events of its entities, timers that are due.</summary>
internal sealed class Backlog(Deliveries deliveries, OwnedOutbox outbox, JournalService journal, TimerSchedule timers, TimerService timerService, ClusterState cluster, TimeProvider time)
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>How much waits, as far as is known.</summary>
    public int Count => deliveries.Count;

    /// <summary>How much was delivered so far.</summary>
    public long Delivered => deliveries.Completed;

    /// <summary>When the next timer is due of those that this process knows; null when there is none.</summary>
    public DateTimeOffset? NextTimer => timers.Next;

    /// <summary>Returns true when there is nothing to deliver, false when there still is after a time.</summary>
    public async Task<bool> WaitUntilEmptyAsync(TimeSpan limit, CancellationToken cancelled)
    {
        var started = time.GetTimestamp();
        while (!IsEmpty())
        {
            if (time.GetElapsedTime(started) >= limit)
            {
                return false;
            }

            await Task.Delay(LookInterval, time, cancelled);
        }

        return true;
    }

    /// <summary>Whether this process has taken all that it should own, and has read what is stored of it.</summary>
    public bool IsKnown =>
        cluster.IsReady
        && cluster.Snapshot.SlotsOfSelf().All(slot => cluster.Find(slot) is not null)
        && cluster.Owned.All(slot => slot.IsOver || outbox.IsLoaded(slot))
        && timerService.HasReadAll
        && journal.HasReadAll;

    private bool IsEmpty()
    {
        // What is delivered while this looks may lead to more in places that were looked at before.
        var delivered = deliveries.Completed;
        return IsKnown && !(timers.Next <= time.GetUtcNow()) && deliveries.Count == 0 && deliveries.Completed == delivered;
    }
}
