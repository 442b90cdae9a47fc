using System.Collections.Concurrent;
using CloudState.Knative.Cluster;
using CloudState.Knative.Entities;
using CloudState.Knative.Outbox;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Runtime;

/// <summary>
/// The active entities of one type. Those that leave memory first are found with the CLOCK algorithm (a queue in which an
/// entry that was used since it was put there gets a second chance), which approximates "least recently used" without a lock per command.
/// </summary>
internal sealed class ActivationTable(
    EntityLoader loader, CommandRunner runner, EntityOptions options, JournalWriter journal, OwnedOutbox outbox, TimerSchedule timers, IReplicaFeed replicas,
    LocalFlush flush, CrdtLevel? defaultLevel, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, Activation> _active = new();
    private readonly ConcurrentQueue<(Activation Activation, long Stamp)> _clock = new();
    private int _count;

    public EntityLoader Loader { get; } = loader;

    public CommandRunner Runner { get; } = runner;

    public EntityOptions Options { get; } = options;

    public JournalWriter Journal { get; } = journal;

    public LocalFlush Flush { get; } = flush;

    public TimeProvider Time { get; } = time;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Whether commands may be acknowledged before, or later than, they are stored. Otherwise all are durable.</summary>
    public bool HasLevels => defaultLevel is not null;

    /// <summary>What replies to a command vouch for, unless its handler chooses something else.</summary>
    public CrdtLevel LevelOf(CommandDefinition command) => command.Level ?? defaultLevel ?? CrdtLevel.Durable;

    public bool IsBusy => _active.Values.Any(activation => activation.IsBusy);

    /// <summary>Hands a command that has entered its slot to its entity's activation.</summary>
    public Admission Enqueue(Command command, EnteredSlot slot, DateTimeOffset deadline, out PendingCommand? pending)
    {
        while (true)
        {
            var activation = Find(command.Entity, slot.Host);
            if (activation.Slot != slot.Host)
            {
                if (slot.Host.IsOver)
                {
                    pending = null;
                    return Admission.NotOwner;
                }

                // It is from an earlier ownership of the slot, and out of date.
                Remove(activation);
                continue;
            }

            var admission = activation.TryEnqueue(command, slot.Home, deadline, out pending);
            if (admission != Admission.Passivated)
            {
                PassivateBeyondMax();
                return admission;
            }

            Remove(activation);
        }
    }

    /// <summary>Hands on what a stored command has led to: calls and events to deliver, and timers.</summary>
    public void OnCommitted(PendingAppend stored)
    {
        var slot = stored.Pending.Home;
        if (stored.Append.State is ReplicaChange change)
        {
            replicas.Publish(stored.EntityId, change);
        }

        outbox.Add(stored.Background, slot);
        timers.Change(stored.Append.Timers, stored.EntityId, slot);
    }

    /// <summary>Waits for a change of an entity. Null when it has changed already, or is not in memory.</summary>
    public StateWatch? TryWatch(EntityId key, long seenVersion) => _active.TryGetValue(key.Key, out var active) ? active.TryWatch(seenVersion) : null;

    /// <summary>Merges what another process has added to an entity. Null when the entity is not in memory.</summary>
    public PendingCommand? TryMerge(Command merge)
    {
        if (!_active.TryGetValue(merge.Entity.Key, out var active) || !active.Slot.TryEnter())
        {
            return null;
        }

        if (active.TryEnqueue(merge, active.Slot, DateTimeOffset.MaxValue, out var pending) != Admission.Accepted)
        {
            active.Slot.Leave();
        }

        return pending;
    }

    /// <summary>Whether an entity has a change already, or is not in memory.</summary>
    public bool HasSeen(ReplicaNews news) => !_active.TryGetValue(news.Key, out var active) || active.HasSeen(news);

    /// <summary>Lets the entities of slots leave memory that this process owns no more.</summary>
    public void DropDisowned()
    {
        foreach (var (_, activation) in _active)
        {
            if (activation.Slot.IsOver)
            {
                Remove(activation);
            }
        }
    }

    /// <summary>Lets entities leave memory that had no command for <see cref="EntityOptions.PassivateAfter"/>.</summary>
    public void PassivateIdle()
    {
        for (var left = _clock.Count; left > 0 && _clock.TryPeek(out var oldest) && IsIdle(oldest.Stamp); left--)
        {
            TryPassivateNext(activation => IsIdle(activation.LastUsed));
        }
    }

    /// <summary>Lets half of the entities leave memory: those first that were never written, then those that were not used for longest.</summary>
    public void PassivateHalf()
    {
        var target = Count / 2;
        for (var left = _clock.Count; left > 0 && Count > target; left--)
        {
            TryPassivateNext(static activation => activation.IsUnwritten);
        }

        for (var left = _clock.Count; left > 0 && Count > target; left--)
        {
            TryPassivateNext(static _ => true);
        }
    }

    /// <summary>An entity is worth its memory: from now on it may have to leave it.</summary>
    public void Keep(Activation activation) => _clock.Enqueue((activation, activation.LastUsed));

    private bool IsIdle(long stamp) => Time.GetElapsedTime(stamp) >= Options.PassivateAfter;

    private void PassivateBeyondMax()
    {
        // Bounded, so that a memory full of busy entities does not hold up this command.
        for (var left = 64; left > 0 && Count > Options.MaxActive; left--)
        {
            TryPassivateNext(_ => true);
        }
    }

    private void TryPassivateNext(Predicate<Activation> mayLeave)
    {
        if (!_clock.TryDequeue(out var entry))
        {
            return;
        }

        var (activation, stamp) = entry;
        if (activation.LastUsed == stamp && mayLeave(activation) && activation.TryPassivate())
        {
            Remove(activation);
        }
        else
        {
            _clock.Enqueue((activation, activation.LastUsed));
        }
    }

    private Activation Find(EntityId key, OwnedSlot slot)
    {
        if (_active.TryGetValue(key.Key, out var active))
        {
            return active;
        }

        var created = new Activation(this, key, slot);
        active = _active.GetOrAdd(key.Key, created);
        if (active == created)
        {
            Interlocked.Increment(ref _count);
        }

        return active;
    }

    public void Remove(Activation activation)
    {
        if (_active.TryRemove(KeyValuePair.Create(activation.Id.Key, activation)))
        {
            Interlocked.Decrement(ref _count);
        }
    }
}
