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

    /// <summary>The same without its snapshot; null if it has none.</summary>
    public PendingAppend? WithoutSnapshot() =>
        Append.State is EventsChange { Snapshot: not null } change ? this with { Append = Append with { State = change with { Snapshot = null } } } : null;

    public Tenure Tenure => Pending.Activation.Slot.Tenure;
}
