using CloudState.Knative.Cluster;
using CloudState.Knative.Outbox;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Journal;

/// <summary>
/// Reads the journal for one subscription: the events of those entities whose slots this process owns, so that exactly one process does, and the one that has stored them.
/// </summary>
/// <remarks>
/// How far it has come is stored for each slot; whoever owns the slot next goes on from there. What was delivered and not stored as such is delivered again, under the same id.
/// Example: slot 7 is done up to position 40. Events 41 (alice), 43 (bob) and 44 (alice) are read; bob's is delivered at once, alice's target is not there. The process is killed: the next
/// owner starts after 40; bob's target knows the id of 43.
/// </remarks>
internal sealed class JournalReader(
    JournalSubscription subscription, IJournalReader log, Deliveries deliveries, OwnedOutbox outbox, ClusterState ring, JournalSignal signal, StoreHealth health, EventingOptions options, TimeProvider time)
{
    private const int BatchSize = 500;
    private static readonly TimeSpan StorePause = TimeSpan.FromSeconds(1);

    private readonly Pulse _completions = new();
    private Dictionary<OwnedSlot, EventProgress> _slots = [];
    private volatile Task? _nextAppend;

    /// <summary>Whether all events that this process has stored were handed out for delivery.</summary>
    public bool HasReadAll => _nextAppend is { IsCompleted: false };

    private bool IsSaved => _slots.Values.All(progress => progress.Saved == progress.Read);

    private bool HasRoom => _slots.Values.Sum(progress => progress.OpenCount) < options.MaxInFlight;

    public async Task RunAsync(CancellationToken stopping)
    {
        var savedAt = time.GetTimestamp();
        while (!stopping.IsCancellationRequested)
        {
            var (ringChanged, loaded, appended, completed) = (ring.Changed, outbox.Loads.Next, signal.Appends.Next, _completions.Next);
            try
            {
                await TakeSlotsAsync(stopping);
                var hasRoom = HasRoom;
                var mayHaveMore = hasRoom && _slots.Count > 0 && await ReadAsync(stopping);
                _nextAppend = hasRoom && !mayHaveMore ? appended : null;
                if (time.GetElapsedTime(savedAt) >= options.SaveInterval)
                {
                    await SaveAsync(_slots.Values);
                    savedAt = time.GetTimestamp();
                }

                if (!mayHaveMore)
                {
                    Task[] news = hasRoom ? [ringChanged, loaded, appended] : [ringChanged, completed];
                    await Pulse.AnyAsync(IsSaved ? options.PollInterval : options.SaveInterval, time, stopping, news);
                }
            }
            catch (StoreUnavailableException unavailable)
            {
                health.ReportDown(unavailable);
                await Task.Delay(StorePause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
            }
        }
    }

    /// <summary>Stores how far everything has come.</summary>
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

    /// <summary>Starts with slots that have come and been loaded, and stops with those that have gone.</summary>
    private async Task TakeSlotsAsync(CancellationToken stopping)
    {
        var owned = ring.Owned.Where(slot => slot.Slot.EntityType == subscription.EntityType && !slot.IsOver && outbox.IsLoaded(slot)).ToHashSet();
        var gone = _slots.Values.Where(progress => !owned.Contains(progress.Slot)).ToArray();
        var added = owned.Where(slot => !_slots.ContainsKey(slot)).ToArray();
        if (gone.Length > 0)
        {
            await SaveAsync(gone);
        }

        var positions = added.Length > 0 ? await log.ReadPositionsAsync(subscription.Name, subscription.EntityType, stopping) : null;
        _slots = owned.ToDictionary(slot => slot, slot => _slots.GetValueOrDefault(slot) ?? new EventProgress(slot, positions!.GetValueOrDefault(slot.Slot.Number)));
    }

    private async Task<bool> ReadAsync(CancellationToken stopping)
    {
        var batch = await log.ReadAsync(subscription.EntityType, _slots.Values.Min(progress => progress.Read), BatchSize, stopping);
        var byNumber = _slots.Values.ToDictionary(progress => progress.Slot.Slot.Number);
        foreach (var read in batch.Events)
        {
            var logged = read with { Trace = signal.TraceOf(read) };
            if (byNumber.TryGetValue(ring.SlotOf(logged.Origin).Number, out var progress) && subscription.Select(logged) is var (target, _) && progress.TryOpen(logged.Position))
            {
                deliveries.Add(
                    new PendingDelivery($"{subscription.Name} {logged.Origin}/{logged.Sequence}", logged.Origin, subscription.Name, target,
                        () => new StoredDelivery { Journal = JournalEvents.ToStored(logged, subscription.Name) }, () => Complete(progress, logged.Position))
                    { KeepsOrder = true },
                    progress.Slot);
            }
        }

        foreach (var progress in _slots.Values)
        {
            progress.ReadUpTo(batch.Position);
        }

        return batch.MayHaveMore;
    }

    private void Complete(EventProgress progress, long position)
    {
        progress.Close(position);
        _completions.Send();
    }

    private async Task SaveAsync(IEnumerable<EventProgress> slots)
    {
        var done = slots.Select(progress => (Progress: progress, progress.Done)).Where(slot => slot.Done > slot.Progress.Saved).ToArray();
        if (done.Length > 0)
        {
            await log.SavePositionsAsync(subscription.Name, subscription.EntityType, done.ToDictionary(slot => slot.Progress.Slot.Slot.Number, slot => slot.Done), CancellationToken.None);
            foreach (var (progress, position) in done)
            {
                progress.Saved = position;
            }
        }
    }
}
