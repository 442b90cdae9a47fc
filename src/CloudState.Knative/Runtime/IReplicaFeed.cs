using CloudState.Knative.Storage;

namespace CloudState.Knative.Runtime;

/// <summary>Gets what is stored of replicated entities, to tell the other processes.</summary>
internal interface IReplicaFeed
{
    void Publish(EntityId entity, ReplicaChange stored);
}
