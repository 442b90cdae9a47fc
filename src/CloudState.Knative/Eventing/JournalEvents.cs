using CloudState.Knative.Delivery;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Eventing;

/// <summary>Turns events of the journal into what is stored of them when they have to wait, and back.</summary>
internal static class JournalEvents
{
    public static JournalEvent ToStored(LoggedEvent logged, string subscription) => new()
    {
        Subscription = subscription,
        EntityType = logged.Origin.EntityType,
        EntityId = logged.Origin.EntityId,
        Sequence = logged.Sequence,
        Type = logged.TypeName,
        Json = UnsafeByteOperations.UnsafeWrap(logged.Json),
        Time = Timestamp.FromDateTimeOffset(logged.Time),
        Traceparent = TraceParent.Of(logged.Trace),
        Tracestate = logged.Trace.TraceState ?? "",
    };

    public static LoggedEvent ToLogged(JournalEvent stored) => new(
        Position: 0, new EntityKey(stored.EntityType, stored.EntityId), stored.Sequence, stored.Type, stored.Json.Memory, stored.Time.ToDateTimeOffset())
    {
        Trace = TraceParent.Parse(stored.Traceparent, stored.Tracestate),
    };
}
