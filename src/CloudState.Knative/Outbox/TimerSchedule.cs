using System.Threading.Channels;
using CloudState.Knative.Cluster;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Outbox;

/// <summary>The timers of entities whose slots this process owns, as far as they are due soon; the store has the others.</summary>
internal sealed class TimerSchedule
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(EntityId Origin, string Name), (StoredTimer Timer, OwnedSlot Slot)> _timers = [];
    private readonly PriorityQueue<StoredTimer, DateTimeOffset> _byTime = new();
    private readonly HashSet<(EntityId Origin, string Name)> _changed = [];
    private readonly Channel<Guid> _fired = Channel.CreateUnbounded<Guid>();
    private DateTimeOffset _horizon = DateTimeOffset.MinValue;
    private DateTimeOffset? _nextBeyond;
    private bool _isReading;

    /// <summary>Sent when a timer was set that may be the next one, and when one has fired.</summary>
    public Pulse Changes { get; } = new();

    /// <summary>Timers that have fired, and are to be removed from the store.</summary>
    public ChannelReader<Guid> Fired => _fired.Reader;

    /// <summary>When the next timer is due of those that are known; null when there is none.</summary>
    public DateTimeOffset? Next
    {
        get
        {
            lock (_lock)
            {
                DropOutdated();
                return _byTime.TryPeek(out _, out var due) ? due : _nextBeyond;
            }
        }
    }

    /// <summary>Follows a command that has set and cancelled timers.</summary>
    public void Change(IReadOnlyList<TimerChange> changes, EntityId origin, OwnedSlot slot)
    {
        if (changes.Count == 0)
        {
            return;
        }

        lock (_lock)
        {
            foreach (var (name, timer) in changes)
            {
                if (_isReading)
                {
                    _changed.Add((origin, name));
                }

                _timers.Remove((origin, name));
                if (timer?.DueAt < _horizon)
                {
                    Add(timer, slot);
                }
                else if (timer is not null && !(timer.DueAt > _nextBeyond))
                {
                    _nextBeyond = timer.DueAt;
                }
            }
        }

        Changes.Send();
    }

    /// <summary>To be called before timers are read: changes from now on count more than what is read.</summary>
    public void StartReading(IReadOnlySet<OwnedSlot> owned, DateTimeOffset horizon)
    {
        lock (_lock)
        {
            (_isReading, _horizon) = (true, horizon);
            foreach (var (key, entry) in _timers)
            {
                if (!owned.Contains(entry.Slot))
                {
                    _timers.Remove(key);
                }
            }
        }
    }

    /// <summary>Takes over what was read.</summary>
    /// <param name="read">The timers that are due before the horizon.</param>
    /// <param name="nextBeyond">When the first one after it is due; null when there is none.</param>
    /// <param name="slots">What is owned.</param>
    public void Merge(IEnumerable<StoredTimer> read, DateTimeOffset? nextBeyond, IReadOnlyDictionary<Slot, OwnedSlot> slots)
    {
        lock (_lock)
        {
            _nextBeyond = nextBeyond;
            foreach (var timer in read)
            {
                if (!_changed.Contains((timer.Origin, timer.Name)) && !(_timers.TryGetValue((timer.Origin, timer.Name), out var known) && known.Timer.Id == timer.Id))
                {
                    Add(timer, slots[timer.Slot]);
                }
            }

            _changed.Clear();
            _isReading = false;
        }
    }

    /// <summary>Hands out the timers that are due. Each is the <see cref="Next"/> one until it has been taken, so that a look for work sees it in one place or the other.</summary>
    public void TakeDue(DateTimeOffset now, Action<StoredTimer, OwnedSlot> take)
    {
        lock (_lock)
        {
            while (_byTime.TryPeek(out var timer, out var at) && at <= now)
            {
                if (_timers.TryGetValue((timer.Origin, timer.Name), out var current) && current.Timer.Id == timer.Id)
                {
                    take(timer, current.Slot);
                }

                _byTime.Dequeue();
            }
        }
    }

    /// <summary>Whether a timer that is due has not been cancelled or set anew meanwhile.</summary>
    public bool IsCurrent(StoredTimer timer)
    {
        lock (_lock)
        {
            return _timers.TryGetValue((timer.Origin, timer.Name), out var current) && current.Timer.Id == timer.Id;
        }
    }

    /// <summary>The timer has fired, or was given up: it is to be removed from the store.</summary>
    public void Complete(StoredTimer timer)
    {
        lock (_lock)
        {
            if (_timers.TryGetValue((timer.Origin, timer.Name), out var current) && current.Timer.Id == timer.Id)
            {
                _timers.Remove((timer.Origin, timer.Name));
            }
        }

        _fired.Writer.TryWrite(timer.Id);
        Changes.Send();
    }

    private void Add(StoredTimer timer, OwnedSlot slot)
    {
        _timers[(timer.Origin, timer.Name)] = (timer, slot);
        _byTime.Enqueue(timer, timer.DueAt);
    }

    private void DropOutdated()
    {
        while (_byTime.TryPeek(out var timer, out _) && !(_timers.TryGetValue((timer.Origin, timer.Name), out var current) && current.Timer.Id == timer.Id))
        {
            _byTime.Dequeue();
        }
    }
}
