using CloudState.Knative.Delivery;

namespace CloudState.Knative.Management;

/// <summary>Waits for the pending work of this process: an open request is what an autoscaler sees.</summary>
internal sealed class PendingWork(Backlog backlog, DeliveryOptions options)
{
    /// <summary>Returns once nothing is due, at once if nothing is, so that a schedule can ask every minute whether a service at zero pods has work; or after a time limit.</summary>
    public async Task<WakeReport> CompleteAsync(CancellationToken cancelled)
    {
        await backlog.WaitUntilEmptyAsync(options.WakeTimeout, cancelled);
        return new WakeReport(backlog.Count, backlog.NextTimer);
    }
}

/// <summary>What is left.</summary>
/// <param name="Waiting">How many deliveries this process still has to make.</param>
/// <param name="NextTimer">When the next timer is due; null without timers.</param>
internal sealed record WakeReport(int Waiting, DateTimeOffset? NextTimer);
