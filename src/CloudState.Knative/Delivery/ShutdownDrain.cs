using CloudState.Knative.Cluster;
using CloudState.Knative.Storage;
using Microsoft.Extensions.Hosting;

namespace CloudState.Knative.Delivery;

/// <summary>Delivers what there is before the process stops, when no other one is there to take it over. What is left stays stored for the next one.</summary>
internal sealed class ShutdownDrain(Backlog backlog, ClusterState ring, StoreHealth health, DeliveryOptions options, TimeProvider time) : IHostedLifecycleService
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        if (ring.IsReady && health.IsUp && ring.Snapshot.Members.All(member => member.IsLeaving || member == ring.Snapshot.Self))
        {
            await DeliverAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Goes on for as long as something gets through.</summary>
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
        while (backlog.Delivered > before);
    }
}
