using CloudState.Knative.Crdts;
using CloudState.Knative.Storage;
using Google.Protobuf;

namespace CloudState.Knative.Entities;

/// <summary>What other processes have added to a replicated entity is merged between its commands, as if it were one.</summary>
internal static class ReplicaMerge
{
    public static CommandDefinition Definition { get; } =
        new(Replicas.Descriptor.Methods[0], nameof(Replicas), EntityKeyFields.Of(ReplicaUpdate.Descriptor, separator: ""), Handle);

    private static ValueTask<IMessage?> Handle(EntityInstance entity, IMessage message, CommandContext context)
    {
        var update = (ReplicaUpdate)message;
        var state = update.State.IsEmpty ? null : update.State.ToByteArray();
        var isComplete = entity.TryMerge(new StoredReplica(update.Epoch, state, [.. update.Deltas.Select(delta => delta.ToByteArray())]));
        return new(new MergeResult { IsIncomplete = !isComplete });
    }
}
