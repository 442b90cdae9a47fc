using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Cluster;
using CloudState.Knative.Outbox;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Runtime;

/// <summary>Events on their way from the writer of the journal to one reader. What does not fit is dropped: the reader sees by the positions that it has to read it.</summary>
internal sealed class JournalFeed(int capacity)
{
    private readonly ConcurrentQueue<(OwnedSlot Slot, JournalEvent[] Events)> _offered = new();
    private int _count;

    /// <summary>Sent after events were stored.</summary>
    public Pulse Arrivals { get; } = new();

    public void Offer(OwnedSlot slot, JournalEvent[] events)
    {
        if (Interlocked.Add(ref _count, events.Length) > capacity)
        {
            Interlocked.Add(ref _count, -events.Length);
            return;
        }

        _offered.Enqueue((slot, events));
    }

    /// <summary>Takes successive events of one slot.</summary>
    public bool TryTake([NotNullWhen(true)] out OwnedSlot? slot, out JournalEvent[] events)
    {
        if (!_offered.TryDequeue(out var next))
        {
            (slot, events) = (null, []);
            return false;
        }

        (slot, events) = next;
        Interlocked.Add(ref _count, -events.Length);
        return true;
    }
}
