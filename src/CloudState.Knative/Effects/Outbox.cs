using System.Threading.Channels;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Ownership;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Effects;

/// <summary>
/// The calls that are stored and still to be made by this process: those of entities whose slots it owns. The calls of one entity are made one after
/// another, in the order in which they were asked for; those of different entities at the same time.
/// </summary>
/// <remarks>
/// Whoever takes over a slot finds in the store what its predecessor has left, and makes that first. So calls of new commands wait until the slot is loaded.
/// Example: alice's cart asks for call 1; its pod is killed before the call is made, or before it is removed from the store. The next owner of alice's slot serves a command that asks for call 2, then
/// loads the slot: 1 and 2 are made, in this order. If 1 had been made already, its command id tells so where it arrives.
/// </remarks>
internal sealed class Outbox
{
    private readonly Lock _lock = new();
    private readonly Dictionary<OwnedSlot, SlotCalls> _slots = [];
    private readonly Channel<OriginCalls> _ready = Channel.CreateUnbounded<OriginCalls>();
    private readonly Channel<Guid> _done = Channel.CreateUnbounded<Guid>();
    private int _count;

    public Outbox() => CloudStateTelemetry.ObserveOutbox(this);

    /// <summary>Entities that have a call to be made now.</summary>
    public ChannelReader<OriginCalls> Ready => _ready.Reader;

    /// <summary>Calls that need not be made any more.</summary>
    public ChannelReader<Guid> Done => _done.Reader;

    /// <summary>How many calls wait here.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Adds calls that were stored under an ownership.</summary>
    public void Add(IReadOnlyList<OutboxEntry> entries, OwnedSlot slot)
    {
        if (entries.Count == 0)
        {
            return;
        }

        lock (_lock)
        {
            var calls = SlotOf(slot);
            foreach (var entry in entries)
            {
                if (calls.IsLoaded)
                {
                    Enqueue(calls, slot, entry);
                }
                else
                {
                    calls.Early.Add(entry);
                }
            }
        }
    }

    public bool IsLoaded(OwnedSlot slot)
    {
        lock (_lock)
        {
            return _slots.TryGetValue(slot, out var calls) && calls.IsLoaded;
        }
    }

    /// <summary>Adds what the store has of a slot, before what was added meanwhile.</summary>
    public void Load(OwnedSlot slot, IEnumerable<OutboxEntry> stored)
    {
        lock (_lock)
        {
            var calls = SlotOf(slot);
            calls.IsLoaded = true;
            foreach (var entry in stored.UnionBy(calls.Early, entry => entry.Id))
            {
                Enqueue(calls, slot, entry);
            }

            calls.Early.Clear();
        }
    }

    /// <summary>Drops what belongs to ownerships that are over: the next owner makes those calls.</summary>
    public void KeepOnly(IReadOnlySet<OwnedSlot> owned)
    {
        lock (_lock)
        {
            foreach (var (slot, calls) in _slots)
            {
                if (!owned.Contains(slot))
                {
                    _slots.Remove(slot);
                    Interlocked.Add(ref _count, -calls.Origins.Values.Sum(origin => origin.Waiting.Count));
                }
            }
        }
    }

    /// <summary>The call has been made, or never will be: it is to be removed from the store.</summary>
    public void Complete(Guid id) => _done.Writer.TryWrite(id);

    /// <summary>The first call of an entity is complete; the next one is ready.</summary>
    public void CompleteFirst(OriginCalls origin)
    {
        Complete(origin.Waiting.Peek().Id);
        lock (_lock)
        {
            origin.Waiting.Dequeue();
            origin.Attempts = 0;
            if (!_slots.TryGetValue(origin.Slot, out var calls))
            {
                return;
            }

            Interlocked.Decrement(ref _count);
            if (origin.Waiting.Count > 0)
            {
                _ready.Writer.TryWrite(origin);
            }
            else
            {
                calls.Origins.Remove(origin.Key);
            }
        }
    }

    /// <summary>The first call of an entity is to be tried again, now.</summary>
    public void Retry(OriginCalls origin) => _ready.Writer.TryWrite(origin);

    private SlotCalls SlotOf(OwnedSlot slot)
    {
        if (!_slots.TryGetValue(slot, out var calls))
        {
            _slots.Add(slot, calls = new SlotCalls());
        }

        return calls;
    }

    private void Enqueue(SlotCalls calls, OwnedSlot slot, OutboxEntry entry)
    {
        Interlocked.Increment(ref _count);
        if (!calls.Origins.TryGetValue(entry.Origin, out var origin))
        {
            calls.Origins.Add(entry.Origin, origin = new OriginCalls(entry.Origin, slot));
        }

        origin.Waiting.Enqueue(entry);
        if (origin.Waiting.Count == 1)
        {
            _ready.Writer.TryWrite(origin);
        }
    }

    private sealed class SlotCalls
    {
        public bool IsLoaded { get; set; }

        /// <summary>What was added before the slot was loaded.</summary>
        public List<OutboxEntry> Early { get; } = [];

        public Dictionary<EntityKey, OriginCalls> Origins { get; } = [];
    }
}

/// <summary>The calls of one entity; the first one is being made, or about to be.</summary>
internal sealed class OriginCalls(EntityKey key, OwnedSlot slot)
{
    public EntityKey Key { get; } = key;

    public OwnedSlot Slot { get; } = slot;

    public Queue<OutboxEntry> Waiting { get; } = new();

    /// <summary>How often the first one was tried in vain.</summary>
    public int Attempts { get; set; }
}
