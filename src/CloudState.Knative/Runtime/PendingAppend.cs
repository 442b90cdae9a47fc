using CloudState.Knative.Ownership;
using CloudState.Knative.Storage;
using Google.Protobuf;

namespace CloudState.Knative.Runtime;

/// <summary>What one command wants stored, on its way through the journal.</summary>
internal sealed record PendingAppend(
    PendingCommand Pending,
    LoadedEntity Entity,
    long ExpectedVersion,
    IReadOnlyList<IMessage> Events,
    StoredSnapshot? Snapshot,
    CommandRecord? Record,
    int? KeepCommands)
{
    public EntityKey Key => Pending.Command.Key;

    public Tenure Tenure => Pending.Activation.Slot.Tenure;
}
