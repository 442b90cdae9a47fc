using CloudState.Knative.Calls;
using CloudState.Knative.Cluster;
using CloudState.Knative.Crdts;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Grpc.Core;

namespace CloudState.Knative.Routing;

/// <summary>
/// What a command at <see cref="CrdtLevel.Everywhere"/> does beside running: before, this process merges what the store has; after, all others merge what the command has stored.
/// </summary>
/// <remarks>
/// The members are looked up once the change is stored: a pod that is not among them loads the entity later, with the change. One that does not answer is asked again until it is no
/// member any more. Then its lease has ended, and it answers nobody from its memory.
/// </remarks>
internal sealed class EverywhereLevel(ReplicaSync replicas, PeerLinks peers, ClusterState cluster, Membership? membership, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private static readonly CallOutcome NotEverywhere =
        CallOutcome.Failed(StatusCode.DeadlineExceeded, "The change is stored, but not all pods have merged it in time. They will.");

    /// <summary>Merges what was stored so far.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public Task CatchUpAsync(EntityId entity) => membership is null ? Task.CompletedTask : replicas.ReadAsync(entity.Type, [entity.Key], CancellationToken.None);

    /// <summary>Has all others merge what a command has stored. Returns its outcome, or why it is not everywhere.</summary>
    /// <exception cref="OperationCanceledException">The caller has gone.</exception>
    public async ValueTask<CallOutcome> ConfirmAsync(Command command, CallOutcome outcome, DateTimeOffset deadline)
    {
        if (membership is null)
        {
            return outcome;
        }

        var stored = new ReplicaPoint { EntityType = command.Entity.Type, Key = command.Entity.Key, Seat = -1 };
        if (outcome.Unmerged is { } news)
        {
            (stored.Epoch, stored.Seat, stored.Number) = (news.Epoch, news.Seat, news.Number);
        }

        var timeLeft = deadline - time.GetUtcNow();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(command.CallCancelled);
        try
        {
            await ConfirmAsync(stored, deadline, over.Token).WaitAsync(timeLeft > TimeSpan.Zero ? timeLeft : TimeSpan.Zero, time, command.CallCancelled);
            return outcome;
        }
        catch (TimeoutException)
        {
            return NotEverywhere;
        }
        finally
        {
            await over.CancelAsync();
        }
    }

    private async Task ConfirmAsync(ReplicaPoint stored, DateTimeOffset deadline, CancellationToken over)
    {
        await membership!.RequestReconcileAsync();
        var snapshot = cluster.Snapshot;
        await Task.WhenAll(snapshot.Members.Where(peer => peer != snapshot.Self && peer.Seat > 0).Select(peer => ConfirmAsync(peer, stored, deadline, over)));
    }

    private async Task ConfirmAsync(Member peer, ReplicaPoint stored, DateTimeOffset deadline, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            var changed = cluster.Changed;
            if (cluster.Snapshot.Members.All(member => member.Id != peer.Id) || await peers.ConfirmAsync(peer, stored, deadline))
            {
                return;
            }

            await changed.WaitAsync(Pause, time, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
