using CloudState.Knative.Crdts;
using CloudState.Knative.Storage;
using Google.Protobuf;

namespace CloudState.Knative.Entities;

/// <summary>What happens to a replicated entity between its commands, as if it were one of them.</summary>
internal static class ReplicaCommands
{
    /// <summary>What other processes have added is merged.</summary>
    public static CommandDefinition Merge { get; } = Define("Merge", CrdtLevel.Local, HandleMerge);

    /// <summary>What was acknowledged before it was stored is stored.</summary>
    public static CommandDefinition Flush { get; } = Define("Flush", CrdtLevel.Durable, static (_, _, _) => new(new MergeResult()));

    /// <summary>Another process says that it has merged something. It does that outside of the entity.</summary>
    public static CommandDefinition Confirm { get; } = Define("Confirm", CrdtLevel.Durable, static (_, _, _) => new(new MergeResult()));

    private static CommandDefinition Define(string rpc, CrdtLevel level, CommandHandler handler) =>
        new(Replicas.Descriptor.FindMethodByName(rpc), nameof(Replicas), EntityKeyFields.Of(Replicas.Descriptor.FindMethodByName(rpc).InputType, separator: ""), handler) { Level = level };

    private static ValueTask<IMessage?> HandleMerge(EntityInstance entity, IMessage message, CommandContext context)
    {
        var update = (ReplicaUpdate)message;
        var state = update.State.IsEmpty ? null : update.State.ToByteArray();
        var isComplete = entity.TryMerge(new StoredReplica(update.Epoch, state, [.. update.Deltas.Select(delta => delta.ToByteArray())]));
        return new(new MergeResult { IsIncomplete = !isComplete });
    }
}
