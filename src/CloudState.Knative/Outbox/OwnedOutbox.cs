using System.Threading.Channels;
using CloudState.Knative.Calls;
using CloudState.Knative.Cluster;
using CloudState.Knative.Storage;
using Google.Protobuf;

namespace CloudState.Knative.Outbox;

/// <summary>What commands have stored to be delivered, of entities whose slots this process owns.</summary>
/// <remarks>
/// The next owner of a slot finds in the store what its predecessor has left, and delivers that first. So what new commands ask for waits until the slot is loaded.
/// Example: alice's cart asks for call 1; its pod is killed before the call is made, or before it is removed from the store. The next owner of alice's slot serves a command that asks for call 2, then
/// loads the slot: 1 and 2 are made, in this order. If 1 had been made already, its command id tells so where it arrives.
/// </remarks>
internal sealed class OwnedOutbox(Deliveries deliveries)
{
    private readonly Lock _lock = new();
    private readonly HashSet<OwnedSlot> _loaded = [];
    private readonly Dictionary<OwnedSlot, List<OutboxEntry>> _early = [];
    private readonly Dictionary<OwnedSlot, HashSet<Guid>> _settledEarly = [];
    private readonly Channel<Guid> _done = Channel.CreateUnbounded<Guid>();

    /// <summary>Sent when slots were loaded.</summary>
    public Pulse Loads { get; } = new();

    /// <summary>What need not be delivered any more, and is to be removed from the store.</summary>
    public ChannelReader<Guid> Done => _done.Reader;

    /// <summary>Adds what was stored under an ownership.</summary>
    public void Add(IReadOnlyList<OutboxEntry> entries, OwnedSlot slot)
    {
        if (entries.Count == 0)
        {
            return;
        }

        lock (_lock)
        {
            if (_loaded.Contains(slot))
            {
                Deliver(entries, slot);
            }
            else if (!_early.TryAdd(slot, [.. entries]))
            {
                _early[slot].AddRange(entries);
            }
        }
    }

    public bool IsLoaded(OwnedSlot slot)
    {
        lock (_lock)
        {
            return _loaded.Contains(slot);
        }
    }

    /// <summary>Adds what the store has of a slot, before what was added meanwhile.</summary>
    public void Load(OwnedSlot slot, IEnumerable<OutboxEntry> stored)
    {
        lock (_lock)
        {
            _loaded.Add(slot);
            _early.Remove(slot, out var early);
            _settledEarly.Remove(slot, out var settled);
            Deliver(stored.UnionBy(early ?? [], entry => entry.Id).Where(entry => settled?.Contains(entry.Id) != true), slot);
        }
    }

    /// <summary>Forgets ownerships that are over.</summary>
    public void KeepOnly(IReadOnlySet<OwnedSlot> owned)
    {
        lock (_lock)
        {
            _loaded.IntersectWith(owned);
            foreach (var slot in _early.Keys.Concat(_settledEarly.Keys).Where(slot => !owned.Contains(slot)).ToArray())
            {
                _early.Remove(slot);
                _settledEarly.Remove(slot);
            }
        }
    }

    /// <summary>It has been delivered, or never will be: it is to be removed from the store.</summary>
    public void Complete(Guid id) => _done.Writer.TryWrite(id);

    /// <summary>A stored call was made at once: it is done, or, if its outcome is open, it is made again in the background.</summary>
    public void Settle(OutboxEntry entry, OwnedSlot slot, CallOutcome outcome)
    {
        if (outcome.Status.StatusCode.IsTransient())
        {
            Add([entry], slot);
        }
        else
        {
            NoteSettled(entry, slot);
            Complete(entry.Id);
        }
    }

    /// <summary>What is read from the store meanwhile may still have it.</summary>
    private void NoteSettled(OutboxEntry entry, OwnedSlot slot)
    {
        lock (_lock)
        {
            if (!_loaded.Contains(slot) && !_settledEarly.TryAdd(slot, [entry.Id]))
            {
                _settledEarly[slot].Add(entry.Id);
            }
        }
    }

    private void Deliver(IEnumerable<OutboxEntry> entries, OwnedSlot slot)
    {
        foreach (var entry in entries)
        {
            var content = ContentOf(entry);
            deliveries.Add(
                new PendingDelivery(entry.CommandId, entry.Origin, content.Lane, entry.Method, () => content, () => Complete(entry.Id)) { KeepsOrder = content.Lane != PendingDelivery.Effects }, slot);
        }
    }

    private static StoredDelivery ContentOf(OutboxEntry entry)
    {
        var content = Parse(entry);
        content.CommandId = content.CommandId is { Length: > 0 } own ? own : entry.CommandId;
        return content;
    }

    private static StoredDelivery Parse(OutboxEntry entry)
    {
        try
        {
            return StoredDelivery.Parser.ParseFrom(entry.Content);
        }
        catch (InvalidProtocolBufferException)
        {
            // It is parked when it is to be delivered.
            return new StoredDelivery();
        }
    }
}
