using CloudState.Knative.Cluster;
using CloudState.Knative.Routing;
using CloudState.Knative.Runtime;
using Microsoft.Extensions.Hosting;

namespace CloudState.Knative.Hosting;

/// <summary>
/// Takes part in the ring for as long as the service runs: joins once the ports are open; at the end hands everything over first,
/// while the ports are still open, and leaves when they are closed. Does nothing with a store that only one process can use.
/// </summary>
internal sealed class ClusterService(Membership? membership, ClusterState state, PeerLinks peers, PeerEndpoint endpoint, EntityRuntime runtime) : IHostedLifecycleService
{
    private readonly CancellationTokenSource _stopped = new();
    private Task _following = Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        if (membership is not null)
        {
            _following = FollowAsync();
            await membership.StartAsync();
        }
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        if (membership is not null)
        {
            await membership.HandOverAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        endpoint.Close();
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        if (membership is not null)
        {
            await membership.LeaveAsync(cancellationToken);
        }

        await _stopped.CancelAsync();
        await _following;
    }

    /// <summary>Lets go, after each change of the ring, of what belongs to slots and members that are no longer there.</summary>
    private async Task FollowAsync()
    {
        while (!_stopped.IsCancellationRequested)
        {
            var changed = state.Changed;
            peers.KeepOnly(state.Snapshot.Members);
            runtime.DropDisowned();
            await changed.WaitAsync(_stopped.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
