using CloudState.Knative.Diagnostics;
using CloudState.Knative.Effects;
using CloudState.Knative.Routing;
using Grpc.Core;

namespace CloudState.Knative.Delivery;

/// <summary>Makes one attempt to deliver something.</summary>
internal sealed class Deliverer(ServiceCalls calls)
{
    public async Task<DeliveryResult> DeliverAsync(StoredDelivery delivery, CancellationToken cancelled)
    {
        var call = delivery.Call;
        var scope = new CallScope { Depth = call.Depth, Trace = TraceParent.Parse(call.Traceparent, call.Tracestate), CallCancelled = cancelled };
        return new DeliveryResult((await calls.CallAsync(StoredCalls.ToCall(call), delivery.CommandId, scope)).Status);
    }
}

/// <summary>How an attempt ended.</summary>
/// <param name="Status">OK when it is delivered.</param>
/// <param name="RetryAfter">How long to wait before the next attempt; null when the receiver did not say.</param>
internal readonly record struct DeliveryResult(Status Status, TimeSpan? RetryAfter = null);
