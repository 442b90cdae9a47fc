using System.Diagnostics;
using CloudState.Knative.Diagnostics;

namespace CloudState.Knative.Calls;

/// <summary>Turns calls into what is stored of them, and back.</summary>
internal static class StoredCalls
{
    public static StoredCall ToStored(OutgoingCall call, int depth, ActivityContext trace) => new()
    {
        Method = call.Method,
        Message = call.Message,
        Metadata = { ToStored(call.Metadata) },
        Depth = depth,
        Traceparent = TraceParent.Of(trace),
        Tracestate = trace.TraceState ?? "",
    };

    public static OutgoingCall ToCall(StoredCall stored) => new(stored.Method, stored.Message, ToMetadata(stored.Metadata));

    public static IEnumerable<MetadataEntry> ToStored(IEnumerable<KeyValuePair<string, string>> metadata) =>
        metadata.Select(entry => new MetadataEntry { Name = entry.Key, Value = entry.Value });

    public static CallMetadata ToMetadata(IReadOnlyCollection<MetadataEntry> entries) =>
        entries.Count == 0 ? CallMetadata.Empty : new(ToPairs(entries));

    public static KeyValuePair<string, string>[] ToPairs(IReadOnlyCollection<MetadataEntry> entries) =>
        [.. entries.Select(entry => KeyValuePair.Create(entry.Name, entry.Value))];
}
