using CloudState.Knative.Cluster;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Runtime;

/// <summary>What one command wants stored, on its way through the journal.</summary>
/// <param name="Pending">The command.</param>
/// <param name="Entity">The incarnation of the entity that it was decided on.</param>
/// <param name="Append">What to store.</param>
/// <param name="Background">Those of its calls that no caller waits for.</param>
internal sealed record PendingAppend(PendingCommand Pending, LoadedEntity Entity, EntityAppend Append, IReadOnlyList<OutboxEntry> Background)
{
    public EntityId EntityId => Append.Entity;

    public Slot Slot => Pending.Activation.Slot.Slot;

    public Tenure Tenure => Pending.Activation.Slot.Tenure;
}
