using CloudState.Knative.Outbox;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Google.Protobuf;

namespace CloudState.Knative.Journal;

/// <summary>Announces the new values of entities of one type to the consumers of their events, through the outbox: a value has no journal that could be read later.</summary>
internal sealed class ValueAnnouncer(IReadOnlyList<JournalSubscription> subscriptions, StoredTypes types, TimeProvider time) : IOutboxContributor
{
    public IEnumerable<OutboxEntry> EntriesOf(AcceptedCommand accepted)
    {
        if (accepted.Change is not ValueChange { Value: { } value })
        {
            return [];
        }

        var (entity, changed) = (accepted.Command.Entity, value.State ?? new EntityDeleted());
        var announced = new JournalEvent(
            position: 0, accepted.SlotNumber, entity, value.Version, types.Of(changed).Name, changed, types.ToJson, time.GetUtcNow().ToMicroseconds())
        {
            Trace = accepted.Command.Trace,
        };
        return
            from subscription in subscriptions
            let selected = subscription.Select(announced)
            where selected is not null
            let delivery = new StoredDelivery(selected.Value.Content().ToStored()) { Lane = subscription.Name }
            select new OutboxEntry(Guid.CreateVersion7(), entity, accepted.SlotNumber, selected.Value.Target, delivery.ToByteString());
    }
}
