using CloudState.Knative.Diagnostics;
using CloudState.Knative.Outbox;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Journal;

/// <summary>Turns events of the journal into what is stored of them when they have to wait, and back.</summary>
internal static class JournalEvents
{
    public static StoredJournalEvent ToStored(JournalEvent logged, string subscription) => new()
    {
        Subscription = subscription,
        EntityType = logged.Origin.Type,
        EntityId = logged.Origin.Key,
        Sequence = logged.Sequence,
        Type = logged.TypeName,
        Json = UnsafeByteOperations.UnsafeWrap(logged.Json),
        Time = Timestamp.FromDateTimeOffset(logged.Time),
        Traceparent = TraceParent.Of(logged.Trace),
        Tracestate = logged.Trace.TraceState ?? "",
    };

    public static JournalEvent ToLogged(StoredJournalEvent stored) => new(
        position: 0, slotNumber: 0, new EntityId(stored.EntityType, stored.EntityId), stored.Sequence, stored.Type, stored.Json.Memory, stored.Time.ToDateTimeOffset())
    {
        Trace = TraceParent.Parse(stored.Traceparent, stored.Tracestate),
    };
}
