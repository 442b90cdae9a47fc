using CloudState.Knative.Diagnostics;
using CloudState.Knative.Effects;
using CloudState.Knative.Eventing;
using CloudState.Knative.Routing;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Delivery;

/// <summary>Makes one attempt to deliver something.</summary>
internal sealed class Deliverer(ServiceCalls calls, TopicSinks sinks)
{
    public Task<DeliveryResult> DeliverAsync(StoredDelivery delivery, CancellationToken cancelled) => delivery.ContentCase switch
    {
        StoredDelivery.ContentOneofCase.Call => CallAsync(delivery, cancelled),
        StoredDelivery.ContentOneofCase.Event => sinks.PublishAsync(delivery.Event.Topic, OutgoingEvent.Of(delivery.Event), cancelled),
        _ => throw new InvalidOperationException("It is neither a call nor an event. Deploy the version of the service that has stored it."),
    };

    private async Task<DeliveryResult> CallAsync(StoredDelivery delivery, CancellationToken cancelled)
    {
        var call = delivery.Call;
        var scope = new CallScope
        {
            Depth = call.Depth,
            Trace = TraceParent.Parse(call.Traceparent, call.Tracestate),
            Order = delivery.OrderStream.Length == 0 ? null : new EventOrder(delivery.OrderStream, delivery.OrderSequence),
            CallCancelled = cancelled,
        };
        var outcome = await calls.CallAsync(StoredCalls.ToCall(call), delivery.CommandId, scope);
        return new DeliveryResult(outcome.Status, outcome.RetryAfter);
    }
}
