using System.Diagnostics;

namespace CloudState.Knative.Diagnostics;

/// <summary>Where a trace stands, as text between processes (W3C Trace Context, sections 3.2 and 3.3).</summary>
internal static class TraceParent
{
    /// <summary>Empty for no trace.</summary>
    public static string Of(ActivityContext trace) => trace == default ? "" : $"00-{trace.TraceId}-{trace.SpanId}-{(byte)trace.TraceFlags:x2}";

    /// <summary>No trace for a text that is none.</summary>
    public static ActivityContext Parse(string? traceparent, string? tracestate) =>
        ActivityContext.TryParse(traceparent, tracestate, isRemote: true, out var trace) ? trace : default;
}
