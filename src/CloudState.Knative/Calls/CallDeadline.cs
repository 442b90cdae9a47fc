namespace CloudState.Knative.Calls;

/// <summary>When the caller stops waiting.</summary>
internal static class CallDeadline
{
    // Timers reach 49 days; no caller waits for so long.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(30);

    /// <summary>The deadline on the clock of the service, which may be that of a test; null when the call has none.</summary>
    /// <param name="deadline">The deadline as gRPC says it; <see cref="DateTime.MaxValue"/> for none.</param>
    /// <param name="time">The clock of the service.</param>
    public static DateTimeOffset? Of(DateTime deadline, TimeProvider time)
    {
        if (deadline == DateTime.MaxValue)
        {
            return null;
        }

        var remaining = deadline.ToUniversalTime() - DateTime.UtcNow;
        return time.GetUtcNow() + (remaining < TimeSpan.Zero ? TimeSpan.Zero : remaining < Longest ? remaining : Longest);
    }
}
