using CloudState.Knative.Entities;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Replicated;

/// <summary>Entities whose state is replicated.</summary>
internal sealed class CrdtModel : EntityModel
{
    public override string KindName => "replicated entity";

    public override StoredAs StoredAs => StoredAs.Replica;

    public override bool HasJournal => false;

    public override bool IsReplicated => true;

    public override IReadOnlyList<StoredTypeUse> StoredTypes => [];

    /// <exception cref="EntityDefinitionException">The class is no replicated entity, or has handlers of events.</exception>
    public static CrdtModel Read(HandlerClass handlers)
    {
        handlers.ReadStateType(typeof(CrdtEntity<>));
        return Array.Find(handlers.Methods, method => method.Name is "Apply" or "Upcast" or "Restore" or "Snapshot") is { } eventHandler
            ? throw handlers.Wrong($"is a replicated entity and has a method {eventHandler.Name}, which only event sourced entities have. Rename or remove it.")
            : new CrdtModel();
    }

    public override EntityInstance Restore(StoredEntity stored, EntityEnvironment environment) =>
        new CrdtInstance(environment.CreateEntity(), stored.Replica ?? new StoredReplica(Epoch: 0, State: null, []), environment);
}
