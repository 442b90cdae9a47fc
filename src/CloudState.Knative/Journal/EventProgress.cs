using CloudState.Knative.Cluster;

namespace CloudState.Knative.Journal;

/// <summary>How far a consumer has come with the events of one slot: they complete in any order, and all before the first one that is not complete count.</summary>
internal sealed class EventProgress(OwnedSlot slot, long position)
{
    private readonly Lock _lock = new();
    private readonly SortedSet<long> _open = [];
    private long _read = position;

    public OwnedSlot Slot { get; } = slot;

    /// <summary>Up to here events were handed out for delivery.</summary>
    public long Read
    {
        get
        {
            lock (_lock)
            {
                return _read;
            }
        }
    }

    /// <summary>How many events are handed out and not delivered.</summary>
    public int OpenCount
    {
        get
        {
            lock (_lock)
            {
                return _open.Count;
            }
        }
    }

    /// <summary>Up to here all events are delivered.</summary>
    public long Done
    {
        get
        {
            lock (_lock)
            {
                return _open.Count == 0 ? _read : _open.Min - 1;
            }
        }
    }

    /// <summary>What of <see cref="Done"/> is stored.</summary>
    public long Saved { get; set; } = position;

    /// <summary>Returns false when the event was handed out before.</summary>
    public bool TryOpen(long position)
    {
        lock (_lock)
        {
            return position > _read && _open.Add(position);
        }
    }

    public void ReadUpTo(long position)
    {
        lock (_lock)
        {
            _read = Math.Max(_read, position);
        }
    }

    public void Close(long position)
    {
        lock (_lock)
        {
            _open.Remove(position);
        }
    }
}
