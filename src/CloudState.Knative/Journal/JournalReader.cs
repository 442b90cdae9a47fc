using CloudState.Knative.Cluster;
using CloudState.Knative.Outbox;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Journal;

/// <summary>Brings to one consumer the events of the slots that this process owns: those that it stores from memory, and those that its predecessors have left from the store.</summary>
/// <remarks>
/// The checkpoint of each slot is stored; the next owner of the slot goes on from there. Events that were done and not noted as such come again, under the same ids.
/// Example: slot 7 is done up to position 40. Events 41 (alice), 42 (bob) and 43 (alice) are taken; bob's is done at once, alice's target is not there. The process is killed: the
/// next owner starts after 40, and bob's target knows the id of 42.
/// </remarks>
internal sealed class JournalReader(
    IJournalConsumer consumer,
    TypeJournal journal,
    IJournalReader store,
    Pulse completions,
    OwnedOutbox outbox,
    ClusterState cluster,
    StoreHealth health,
    EventingOptions options,
    TimeProvider time)
{
    private const int BatchSize = 500;
    private static readonly TimeSpan StorePause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);
    private readonly JournalFeed _feed = journal.Subscribe(Math.Max(options.MaxInFlight, BatchSize));
    private volatile Dictionary<OwnedSlot, SlotCheckpoint> _slots = [];
    private bool _hasAllSlots;

    /// <summary>Whether the consumer has taken all events of the slots that this process owns.</summary>
    public bool HasReadAll => _slots is var slots && OwnedSlots().All(slot => slots.TryGetValue(slot, out var checkpoint) && !checkpoint.IsBehind);

    private bool IsSaved => _slots.Values.All(checkpoint => checkpoint.Saved == checkpoint.Read);

    /// <summary>How many more events may be on their way to the consumer.</summary>
    private int Room => options.MaxInFlight - _slots.Values.Sum(checkpoint => checkpoint.OpenCount);

    public async Task RunAsync(CancellationToken stopping)
    {
        var savedAt = time.GetTimestamp();
        // Both, and not a task for any of them: that completes a moment later than they do, which may be after the look at it.
        Task[] slotsMayChange = [Task.CompletedTask];
        while (!stopping.IsCancellationRequested)
        {
            var (clusterChanged, loaded, arrived, completed) = (cluster.Changed, outbox.Loads.Next, _feed.Arrivals.Next, completions.Next);
            try
            {
                if (Array.Exists(slotsMayChange, change => change.IsCompleted))
                {
                    await TakeSlotsAsync(stopping);
                    slotsMayChange = [clusterChanged, loaded];
                }

                // First the ends: events up to there are among the arrivals, or have to be read.
                var behind = _slots.Values.Where(checkpoint => checkpoint.IsBehind).Select(checkpoint => (Checkpoint: checkpoint, checkpoint.End)).ToList();
                var hasRoom = await TakeArrivalsAsync(stopping);
                behind.RemoveAll(slot => slot.Checkpoint.Read >= slot.End);
                var isBehind = hasRoom && behind.Count > 0 && await CatchUpAsync(behind.ConvertAll(slot => slot.Checkpoint), stopping);
                if (time.GetElapsedTime(savedAt) >= options.SaveInterval)
                {
                    await SaveAsync(_slots.Values);
                    savedAt = time.GetTimestamp();
                }

                if (!isBehind)
                {
                    Task[] news = hasRoom ? [clusterChanged, loaded, arrived] : [clusterChanged, completed];
                    await Pulse.AnyAsync(IsSaved ? LongestPause : options.SaveInterval, time, stopping, news);
                }
            }
            catch (StoreUnavailableException unavailable)
            {
                health.ReportDown(unavailable);
                await Task.Delay(StorePause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception lost) when (lost is FencedException or VersionConflictException)
            {
                // Another process owns the slots; the cluster notices.
                await Task.Delay(StorePause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
            }
        }
    }

    /// <summary>Stores all checkpoints.</summary>
    public async Task SaveAsync()
    {
        try
        {
            await SaveAsync(_slots.Values);
        }
        catch (StoreUnavailableException unavailable)
        {
            health.ReportDown(unavailable);
        }
    }

    private IEnumerable<OwnedSlot> OwnedSlots() => cluster.Owned.Where(slot => slot.Slot.EntityType == consumer.EntityType && !slot.IsOver);

    /// <summary>Starts with slots that have come and been loaded, and stops with those that have gone.</summary>
    private async Task TakeSlotsAsync(CancellationToken stopping)
    {
        var (all, slots) = (OwnedSlots().ToArray(), _slots);
        var owned = all.Where(outbox.IsLoaded).ToHashSet();
        _hasAllSlots = owned.Count == all.Length;
        var gone = slots.Values.Where(checkpoint => !owned.Contains(checkpoint.Slot)).ToArray();
        var added = owned.Where(slot => !slots.ContainsKey(slot)).ToArray();
        if (gone.Length + added.Length == 0)
        {
            return;
        }

        await SaveAsync(gone);
        var started = await StartAsync(added, stopping);
        _slots = owned.ToDictionary(slot => slot, slot => slots.GetValueOrDefault(slot) ?? started[slot]);
    }

    /// <summary>Starts with slots: after the stored checkpoints, or where a new consumer starts.</summary>
    private async Task<Dictionary<OwnedSlot, SlotCheckpoint>> StartAsync(OwnedSlot[] added, CancellationToken stopping)
    {
        var tails = new Dictionary<int, SlotTail>();
        foreach (var slot in added)
        {
            tails[slot.Number] = await journal.OpenAsync(slot, stopping);
        }

        if (added.Length == 0)
        {
            return [];
        }

        var stored = await store.ReadCheckpointsAsync(consumer.Name, consumer.EntityType, tails.Keys, stopping);
        int[] missing = [.. tails.Keys.Where(slot => !stored.ContainsKey(slot))];
        var starts = missing.Length == 0 || consumer.Start == default ? new Dictionary<int, long>()
            : consumer.Start.At is { } at ? await store.FindPositionsAsync(consumer.EntityType, missing, at, stopping)
            // A consumer that starts at the end takes the first event that its first process stores.
            : (IReadOnlyDictionary<int, long>)missing.ToDictionary(slot => slot, slot => tails[slot].Start);
        if (consumer.Start != default && missing.Length > 0)
        {
            // So that the start stays where it is, however long it takes until there is an event.
            await store.SaveCheckpointsAsync(consumer.Name, consumer.EntityType, missing.ToDictionary(slot => slot, slot => starts.GetValueOrDefault(slot)), stopping);
        }

        return added.ToDictionary(
            slot => slot,
            slot => new SlotCheckpoint(slot, tails[slot.Number], stored.TryGetValue(slot.Number, out var position) ? position : starts.GetValueOrDefault(slot.Number)));
    }

    /// <summary>Takes the events that this process has stored. Those that do not follow are read from the store later. Returns whether there is room for more.</summary>
    private async Task<bool> TakeArrivalsAsync(CancellationToken stopping)
    {
        var room = Room;
        while (room > 0)
        {
            // Until all slots are loaded the arrivals wait.
            if (!_hasAllSlots || !_feed.TryTake(out var slot, out var events))
            {
                return true;
            }

            if (_slots.TryGetValue(slot, out var checkpoint) && events[0].Position == checkpoint.Read + 1)
            {
                await TakeAsync(events, checkpoint, stopping);
                room -= events.Length;
            }

            // Those that the consumer did not select are not on their way, and some others are done.
            room = room > 0 ? room : Room;
        }

        return false;
    }

    /// <summary>Reads on from the store in slots that are behind. Returns whether there may be more.</summary>
    private async Task<bool> CatchUpAsync(List<SlotCheckpoint> behind, CancellationToken stopping)
    {
        foreach (var checkpoint in behind)
        {
            await journal.OpenAsync(checkpoint.Slot, stopping);
        }

        var bySlot = behind.ToDictionary(checkpoint => checkpoint.Slot.Number);
        var perSlot = Math.Max(BatchSize / behind.Count, 1);
        var read = await store.ReadAsync(consumer.EntityType, bySlot.ToDictionary(slot => slot.Key, slot => slot.Value.Read), perSlot, stopping);
        foreach (var ofSlot in read.GroupBy(next => next.SlotNumber))
        {
            await TakeAsync([.. ofSlot], bySlot[ofSlot.Key], stopping);
        }

        return read.Count > 0 && behind.Exists(checkpoint => checkpoint.IsBehind);
    }

    private async ValueTask TakeAsync(IReadOnlyList<JournalEvent> events, SlotCheckpoint checkpoint, CancellationToken stopping)
    {
        await consumer.TakeAsync(events, checkpoint, stopping);
        checkpoint.ReadUpTo(events[^1].Position);
    }

    private async Task SaveAsync(IEnumerable<SlotCheckpoint> slots)
    {
        var done = slots.Select(checkpoint => (Checkpoint: checkpoint, checkpoint.Done)).Where(slot => slot.Done > slot.Checkpoint.Saved).ToArray();
        if (done.Length == 0)
        {
            return;
        }

        await store.SaveCheckpointsAsync(consumer.Name, consumer.EntityType, done.ToDictionary(slot => slot.Checkpoint.Slot.Number, slot => slot.Done), CancellationToken.None);
        foreach (var (checkpoint, position) in done)
        {
            checkpoint.Saved = position;
        }
    }
}
