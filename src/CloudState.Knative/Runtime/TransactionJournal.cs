using System.Collections.Frozen;
using CloudState.Knative.Cluster;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Runtime;

/// <summary>The part of one transaction in the journals of its slots: numbers its events, and hands them on once they are stored.</summary>
internal sealed class TransactionJournal
{
    private static readonly Dictionary<OwnedSlot, SlotPart> NoSlots = [];

    // Most transactions are of types without a journal.
    private Dictionary<OwnedSlot, SlotPart>? _slots;

    private TransactionJournal(int entities) => Appends = new EntityAppend[entities];

    /// <summary>What to store: one append for each entity.</summary>
    public EntityAppend[] Appends { get; }

    /// <summary>Numbers the events of types that have a journal.</summary>
    /// <param name="entities">The appends of each entity.</param>
    /// <param name="journals">By entity type.</param>
    /// <exception cref="StoreUnavailableException">A slot has to be opened first, and the store does not answer.</exception>
    /// <exception cref="FencedException">This process is no longer the member that owns a slot.</exception>
    public static async ValueTask<TransactionJournal> NumberAsync(List<List<PendingAppend>> entities, FrozenDictionary<string, TypeJournal> journals)
    {
        var transaction = new TransactionJournal(entities.Count);
        for (var index = 0; index < entities.Count; index++)
        {
            var appends = entities[index];
            var stored = appends.ConvertAll(static append => append.Append);
            if (journals.Count > 0 && journals.TryGetValue(appends[0].EntityId.Type, out var journal))
            {
                await transaction.NumberAsync(appends, stored, journal);
            }

            transaction.Appends[index] = EntityAppend.Merge(stored);
        }

        return transaction;
    }

    /// <summary>The transaction is stored.</summary>
    /// <param name="storedAt">The time that the events have in the store; null if that is not known.</param>
    public void Commit(DateTimeOffset? storedAt)
    {
        foreach (var (slot, part) in _slots ?? NoSlots)
        {
            foreach (var (append, position) in part.Replies)
            {
                append.Pending.Outcome = append.Pending.Outcome with { Position = new JournalPosition(slot.Slot, position).ToString() };
            }

            part.Journal.Publish(slot, part.Tail, part.Appends, part.Last, part.HasAdopted ? null : storedAt);
        }
    }

    /// <summary>It is not known whether the transaction is stored.</summary>
    public void Forget()
    {
        foreach (var (_, part) in _slots ?? NoSlots)
        {
            part.Tail.Forget();
        }
    }

    private async ValueTask NumberAsync(List<PendingAppend> appends, List<EntityAppend> stored, TypeJournal journal)
    {
        for (var index = 0; index < appends.Count; index++)
        {
            if (stored[index] is { State: EventsChange change } append && change.Events.Count + append.Adopted.Count > 0)
            {
                stored[index] = Number(appends[index], change, await FindAsync(appends[index].Pending.Activation.Slot, journal));
            }
        }
    }

    private async ValueTask<SlotPart> FindAsync(OwnedSlot slot, TypeJournal journal)
    {
        _slots ??= [];
        if (!_slots.TryGetValue(slot, out var part))
        {
            var tail = await journal.OpenAsync(slot, CancellationToken.None);
            _slots.Add(slot, part = new SlotPart(journal, tail) { Last = tail.Last });
        }

        return part;
    }

    private static EntityAppend Number(PendingAppend pending, EventsChange change, SlotPart part)
    {
        var (append, slot) = (pending.Append, pending.Pending.Home.Number);
        var entries = new List<JournalEntry>(append.Adopted.Count + change.Events.Count);
        foreach (var version in append.Adopted)
        {
            entries.Add(new JournalEntry(slot, ++part.Last, version, IsAdopted: true));
            part.HasAdopted = true;
        }

        if (change.Events.Count == 0)
        {
            return append with { Journal = entries };
        }

        part.Appends.Add((pending, part.Last + 1));
        for (var index = 1; index <= change.Events.Count; index++)
        {
            entries.Add(new JournalEntry(slot, ++part.Last, change.ExpectedVersion + index));
        }

        part.Replies.Add((pending, part.Last));
        return append with { Journal = entries, Commands = [.. append.Commands.Select(command => command with { Position = part.Last })] };
    }

    private sealed class SlotPart(TypeJournal journal, SlotTail tail)
    {
        public TypeJournal Journal => journal;

        public SlotTail Tail => tail;

        /// <summary>The last position that is given.</summary>
        public long Last { get; set; }

        public bool HasAdopted { get; set; }

        public List<(PendingAppend Append, long FirstPosition)> Appends { get; } = [];

        public List<(PendingAppend Append, long Position)> Replies { get; } = [];
    }
}
