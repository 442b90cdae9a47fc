using CloudState.Knative.Outbox;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Journal;

/// <summary>Delivers the events that a subscription selects, to an rpc or to a topic: at least once, those of an entity in order, parked if they cannot be delivered.</summary>
internal sealed class SubscriptionConsumer(JournalSubscription subscription, Deliveries deliveries, Pulse completions) : IJournalConsumer
{
    public string Name => subscription.Name;

    public string EntityType => subscription.EntityType;

    public JournalStart Start => subscription.Start;

    public ValueTask TakeAsync(IReadOnlyList<JournalEvent> events, SlotCheckpoint checkpoint, CancellationToken cancellationToken)
    {
        foreach (var read in events)
        {
            if (subscription.Select(read) is { } selected)
            {
                checkpoint.Open(read.Position);
                deliveries.Add(ToDelivery(read, selected, checkpoint), checkpoint.Slot);
            }
        }

        return ValueTask.CompletedTask;
    }

    private PendingDelivery ToDelivery(JournalEvent read, SelectedEvent selected, SlotCheckpoint checkpoint) => new(
        $"{Name} {read.Origin}/{read.Sequence}",
        read.Origin,
        Name,
        selected.Target,
        selected.Content,
        () =>
        {
            checkpoint.Close(read.Position);
            completions.Send();
        })
    {
        KeepsOrder = true,
        // Parked, an event is kept as it is stored: what becomes of it is decided by the code of the day on which it is retried.
        ParkedContent = () => new StoredDelivery { Journal = JournalEvents.ToStored(read, Name) },
    };
}
