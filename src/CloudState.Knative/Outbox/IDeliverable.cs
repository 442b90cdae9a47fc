using System.Diagnostics;
using CloudState.Knative.Calls;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Outbox;

/// <summary>What a delivery brings.</summary>
internal interface IDeliverable
{
    StoredDelivery ToStored();
}

/// <summary>A call of an rpc.</summary>
/// <param name="Call">The rpc, its input and the metadata.</param>
/// <param name="CommandId">The id under which the call takes effect once.</param>
/// <param name="Depth">How many calls, each made for the one before it, have led to it.</param>
/// <param name="Order">Its place in a stream of events; null if it has none.</param>
/// <param name="Trace">The span that it belongs to.</param>
internal sealed record DeliverableCall(OutgoingCall Call, string CommandId, int Depth, EventOrder? Order, ActivityContext Trace) : IDeliverable
{
    public static DeliverableCall Of(StoredDelivery stored) => new(
        StoredCalls.ToCall(stored.Call),
        CommandIds.OfEarlierRelease(stored.CommandId, isFromLog: stored.OrderStream.Length > 0),
        stored.Call.Depth,
        stored.OrderStream.Length == 0 ? null : new EventOrder(stored.OrderStream, stored.OrderSequence),
        TraceParent.Parse(stored.Call.Traceparent, stored.Call.Tracestate));

    public StoredDelivery ToStored() => new()
    {
        Call = StoredCalls.ToStored(Call, Depth, Trace),
        CommandId = CommandId,
        OrderStream = Order?.Stream ?? "",
        OrderSequence = Order?.Sequence ?? 0,
    };
}

/// <summary>What is in the store already.</summary>
internal sealed partial class StoredDelivery : IDeliverable
{
    public StoredDelivery ToStored() => this;
}
