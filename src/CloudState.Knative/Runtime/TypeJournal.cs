using System.Collections.Concurrent;
using System.Collections.Immutable;
using CloudState.Knative.Cluster;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Runtime;

/// <summary>
/// The journal of the entities of one type, as far as this process owns their slots: it numbers events as they are appended, and hands to its readers what it has stored.
/// Only types whose events are consumed have one.
/// </summary>
/// <remarks>
/// A slot has one owner, who appends to it in one order; so a position is the place of an event within its slot, and events are committed in the order of their positions.
/// Example: this process takes over slot 7, whose last position is 40. Two commands store one event each: 41 and 42, and the readers get both from memory. The answer to the next
/// append is lost: whether 43 is taken is not known, so the slot is opened again before anything else is appended to it.
/// </remarks>
internal sealed class TypeJournal(string entityType, IJournalReader reader, ClusterState cluster, StoredTypes types)
{
    private readonly ConcurrentDictionary<OwnedSlot, SlotTail> _tails = new();
    private readonly SemaphoreSlim _opening = new(1);
    private ImmutableArray<JournalFeed> _feeds = [];

    public string EntityType => entityType;

    /// <summary>Gets what is stored from now on, as far as it has room.</summary>
    public JournalFeed Subscribe(int capacity)
    {
        var feed = new JournalFeed(capacity);
        _feeds = _feeds.Add(feed);
        return feed;
    }

    /// <summary>Finds the last position of a slot, with one query for all slots that this process owns and has not opened yet.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    /// <exception cref="FencedException">This process is no longer the member that owns the slot.</exception>
    public async ValueTask<SlotTail> OpenAsync(OwnedSlot slot, CancellationToken cancellationToken)
    {
        if (Find(slot) is { } known)
        {
            return known;
        }

        await _opening.WaitAsync(cancellationToken);
        try
        {
            if (Find(slot) is { } opened)
            {
                return opened;
            }

            // A slot that was lost may have come back: then it is another one with the same number, and is opened when it is needed.
            OwnedSlot[] missing =
                [slot, .. cluster.Owned.Where(owned => owned.Number != slot.Number && owned.Slot.EntityType == entityType && owned.Tenure == slot.Tenure && !owned.IsOver && Find(owned) is null)];
            var last = await reader.OpenAsync(
                entityType, [.. missing.Select(owned => owned.Number)], key => cluster.SlotOf(new EntityId(entityType, key)).Number, slot.Tenure.MemberId, cancellationToken);
            foreach (var owned in missing)
            {
                _tails.GetOrAdd(owned, static _ => new SlotTail()).Open(last.GetValueOrDefault(owned.Number));
            }

            foreach (var over in _tails.Keys.Where(owned => owned.IsOver && owned != slot))
            {
                _tails.TryRemove(over, out _);
            }

            return _tails[slot];
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <summary>Notes in the store how far the slots are numbered.</summary>
    public async Task MarkAsync(CancellationToken cancellationToken)
    {
        foreach (var ofTenure in _tails.Where(tail => tail.Value.IsKnown && !tail.Key.Tenure.IsOver).GroupBy(tail => tail.Key.Tenure))
        {
            // A slot that has left and come back is there twice.
            var positions = ofTenure.GroupBy(tail => tail.Key.Number).ToDictionary(slot => slot.Key, slot => slot.Max(tail => tail.Value.Last));
            await reader.MarkNumberedAsync(entityType, positions, ofTenure.Key.MemberId, cancellationToken);
        }
    }

    /// <summary>Hands on what was stored. To be called in the order of the positions of a slot.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="tail">Its tail.</param>
    /// <param name="appends">The appends of one transaction, each with the position of its first event; those with adopted events are left to be read from the store.</param>
    /// <param name="last">The last position of the transaction.</param>
    /// <param name="storedAt">The time that the events have in the store; null if that is not known, and they have to be read.</param>
    public void Publish(OwnedSlot slot, SlotTail tail, IReadOnlyList<(PendingAppend Append, long FirstPosition)> appends, long last, DateTimeOffset? storedAt)
    {
        if (storedAt is { } time)
        {
            JournalEvent[] events = [.. appends.SelectMany(entry => EventsOf(entry.Append, entry.FirstPosition, slot.Number, time))];
            foreach (var feed in _feeds)
            {
                feed.Offer(slot, events);
            }
        }

        // After the feeds have the events: a reader that sees the position finds them there, or knows that it has to read them.
        tail.Advance(last);
        foreach (var feed in _feeds)
        {
            feed.Arrivals.Send();
        }
    }

    /// <summary>The tail of a slot; null if it is not open.</summary>
    private SlotTail? Find(OwnedSlot slot) => _tails.TryGetValue(slot, out var tail) && tail.IsKnown ? tail : null;

    private IEnumerable<JournalEvent> EventsOf(PendingAppend append, long position, int slotNumber, DateTimeOffset time)
    {
        var change = (EventsChange)append.Append.State;
        var version = change.ExpectedVersion;
        foreach (var stored in change.Events)
        {
            yield return new JournalEvent(position++, slotNumber, append.EntityId, ++version, types.Of(stored).Name, stored, types.ToJson, time)
            {
                Trace = append.Pending.Command.Trace,
            };
        }
    }
}

/// <summary>The end of the journal of one slot. Only the lane that appends to the slot moves it.</summary>
internal sealed class SlotTail
{
    private const long Unknown = -1;
    private long _last = Unknown;

    /// <summary>The last position that was stored when this process came to own the slot.</summary>
    public long Start { get; private set; } = Unknown;

    public bool IsKnown => Volatile.Read(ref _last) != Unknown;

    /// <summary>The last position that is stored; negative while that is not known.</summary>
    public long Last => Volatile.Read(ref _last);

    public void Open(long last)
    {
        Start = Start == Unknown ? last : Start;
        Volatile.Write(ref _last, last);
    }

    public void Advance(long last) => Volatile.Write(ref _last, last);

    /// <summary>The outcome of an append is not known: the slot has to be opened again.</summary>
    public void Forget() => Volatile.Write(ref _last, Unknown);
}
