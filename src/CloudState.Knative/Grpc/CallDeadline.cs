using Grpc.Core;

namespace CloudState.Knative.Grpc;

/// <summary>When the caller stops waiting.</summary>
internal static class CallDeadline
{
    // Timers reach 49 days; no caller waits for so long.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(30);

    /// <summary>Null when the call has no deadline.</summary>
    public static DateTimeOffset? Of(ServerCallContext context)
    {
        var latest = DateTime.UtcNow + Longest;
        return context.Deadline == DateTime.MaxValue ? null : context.Deadline < latest ? context.Deadline : latest;
    }
}
