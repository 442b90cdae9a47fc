using CloudState.Knative.Cluster;
using CloudState.Knative.Runtime;

namespace CloudState.Knative.Journal;

/// <summary>How far a consumer has come in one slot. Events complete in any order; all before the first one that is not complete count as done.</summary>
internal sealed class SlotCheckpoint(OwnedSlot slot, SlotTail tail, long position)
{
    private readonly Lock _lock = new();
    private readonly SortedSet<long> _open = [];
    private long _read = position;

    public OwnedSlot Slot { get; } = slot;

    /// <summary>The last position that the consumer has taken.</summary>
    public long Read => Volatile.Read(ref _read);

    /// <summary>The last position that is stored; <see cref="long.MaxValue"/> while that is not known.</summary>
    public long End => tail.Last is >= 0 and var last ? last : long.MaxValue;

    /// <summary>Whether there are events that the consumer has not taken.</summary>
    public bool IsBehind => Read < End;

    /// <summary>How many of the taken events are not done.</summary>
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

    /// <summary>Up to here all events are done.</summary>
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

    public void Open(long position)
    {
        lock (_lock)
        {
            _open.Add(position);
        }
    }

    public void Close(long position)
    {
        lock (_lock)
        {
            _open.Remove(position);
        }
    }

    /// <summary>The consumer has taken all events up to a position.</summary>
    public void ReadUpTo(long position)
    {
        lock (_lock)
        {
            Volatile.Write(ref _read, position);
        }
    }
}
