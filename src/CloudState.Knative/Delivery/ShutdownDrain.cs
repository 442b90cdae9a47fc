using CloudState.Knative.Cluster;
using CloudState.Knative.Dispatch;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Delivery;

/// <summary>
/// Lets streams end before the process stops, and delivers what there is when no other process is there to take it over. What is left stays stored for the next one.
/// </summary>
internal sealed class ShutdownDrain(RpcCalls calls, Backlog backlog, ClusterState cluster, StoreHealth health, DeliveryOptions options, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Returns when nothing more gets through.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // Their callers are told to leave. What a stream's end changes belongs to this process, while it is a member.
        await calls.StreamsEnded.WaitAsync(Patience, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (cluster.IsReady && health.IsUp && cluster.Snapshot.Members.All(member => member.IsLeaving || member == cluster.Snapshot.Self))
        {
            await DeliverAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Goes on for as long as something gets through, or it is not known yet what there is.</summary>
    private async Task DeliverAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        long before;
        do
        {
            before = backlog.Delivered;
            var timeLeft = options.ShutdownDelivery - time.GetElapsedTime(started);
            if (timeLeft <= TimeSpan.Zero || await backlog.WaitUntilEmptyAsync(timeLeft < Patience ? timeLeft : Patience, cancellationToken))
            {
                return;
            }
        }
        while (backlog.Delivered > before || !backlog.IsKnown);
    }
}
