using CloudState.Knative.Cluster;
using CloudState.Knative.Crdts;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Google.Protobuf;

namespace CloudState.Knative.Routing;

/// <summary>
/// Tells the other pods what this one has stored of replicated values. While it tells them, more comes, which goes with the next frame. What gets lost they find in the store
/// (<see cref="ReplicaSync"/>).
/// </summary>
internal sealed class ReplicaOutput(PeerLinks links, ClusterState cluster) : IReplicaFeed, IThreadPoolWorkItem
{
    private readonly Lock _lock = new();
    private Dictionary<EntityId, ReplicaUpdate> _waiting = [];
    private bool _isAboutToTell;

    public void Publish(EntityId entity, ReplicaChange stored)
    {
        if (cluster.Snapshot.Members.Count < 2 || stored is { Deltas.Count: 0, Deletions: 0 })
        {
            return;
        }

        lock (_lock)
        {
            if (!_waiting.TryGetValue(entity, out var update) || update.Epoch != stored.Epoch)
            {
                _waiting[entity] = update = new ReplicaUpdate { EntityType = entity.Type, Key = entity.Key, Epoch = stored.Epoch };
            }

            update.Deltas.AddRange(stored.Deltas.Select(delta => UnsafeByteOperations.UnsafeWrap(delta.Bytes)));
            if (_isAboutToTell)
            {
                return;
            }

            _isAboutToTell = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        ReplicaUpdates updates;
        lock (_lock)
        {
            updates = new ReplicaUpdates { Updates = { _waiting.Values } };
            (_waiting, _isAboutToTell) = ([], false);
        }

        var snapshot = cluster.Snapshot;
        foreach (var peer in snapshot.Members)
        {
            if (peer != snapshot.Self && peer.Seat > 0)
            {
                links.Tell(peer, updates);
            }
        }
    }
}
