using CloudState.Knative.Calls;
using CloudState.Knative.Dispatch;
using CloudState.Knative.Journal;
using CloudState.Knative.Outbox;
using CloudState.Knative.Topics;

namespace CloudState.Knative.Delivery;

/// <summary>Makes one attempt to deliver something.</summary>
internal sealed class Deliverer(RpcCalls calls, TopicSinks sinks, JournalSubscriptions subscriptions)
{
    /// <summary>Where a delivery goes, for people: the full name of an rpc, or a topic.</summary>
    public string TargetOf(StoredDelivery delivery) => delivery.ContentCase switch
    {
        StoredDelivery.ContentOneofCase.Call => delivery.Call.Method,
        StoredDelivery.ContentOneofCase.Event => delivery.Event.Topic,
        _ => subscriptions.Find(delivery.Journal.Subscription)?.Select(JournalEvents.ToLogged(delivery.Journal))?.Target ?? delivery.Journal.Subscription,
    };

    public Task<DeliveryResult> DeliverAsync(IDeliverable delivery, CancellationToken cancelled) =>
        delivery is DeliverableCall call ? CallAsync(call, cancelled) : DeliverAsync(delivery.ToStored(), cancelled);

    private Task<DeliveryResult> DeliverAsync(StoredDelivery delivery, CancellationToken cancelled) => delivery.ContentCase switch
    {
        StoredDelivery.ContentOneofCase.Call => CallAsync(DeliverableCall.Of(delivery), cancelled),
        StoredDelivery.ContentOneofCase.Event => sinks.PublishAsync(delivery.Event.Topic, OutgoingEvent.Of(delivery.Event), cancelled),
        StoredDelivery.ContentOneofCase.Journal => SelectAsync(delivery.Journal, cancelled),
        _ => throw new InvalidOperationException("It is neither a call nor an event. Deploy the version of the service that has stored it."),
    };

    private Task<DeliveryResult> SelectAsync(StoredJournalEvent stored, CancellationToken cancelled)
    {
        var subscription = subscriptions.Find(stored.Subscription)
            ?? throw new InvalidOperationException($"No consumer takes events as {stored.Subscription} any more. Discard it, or deploy the version of the service that does.");
        return subscription.Select(JournalEvents.ToLogged(stored)) is { } selected ? DeliverAsync(selected.Content(), cancelled) : Task.FromResult(DeliveryResult.Delivered);
    }

    private async Task<DeliveryResult> CallAsync(DeliverableCall delivery, CancellationToken cancelled)
    {
        var scope = new CallScope { Depth = delivery.Depth, Trace = delivery.Trace, Order = delivery.Order, CallCancelled = cancelled };
        var outcome = await calls.CallAsync(delivery.Call, delivery.CommandId, scope);
        return new DeliveryResult(outcome.Status, outcome.RetryAfter) { IsTimeout = outcome.Kind == OutcomeKind.NotPublishedInTime };
    }
}
