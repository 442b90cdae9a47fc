using System.Reflection;
using CloudState.Knative.Entities;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Values;

/// <summary>Entities that are stored as their latest value.</summary>
internal sealed class ValueModel(StoredTypeUse value) : EntityModel
{
    public override string KindName => "value entity";

    public override StoredAs StoredAs => StoredAs.Value;

    public override bool HasJournal => false;

    public override IReadOnlyList<StoredTypeUse> StoredTypes { get; } = [value];

    /// <exception cref="EntityDefinitionException">The class is no value entity, or has handlers of events.</exception>
    public static ValueModel Read(HandlerClass handlers)
    {
        var state = handlers.ReadStateType(typeof(ValueEntity<>));
        return Array.Find(handlers.Methods, method => method.Name is "Apply" or "Upcast" or "Restore" or "Snapshot") is { } eventHandler
            ? throw handlers.Wrong($"is a value entity and has a method {eventHandler.Name}, which only event sourced entities have. Rename or remove it.")
            : new ValueModel(new StoredTypeUse(state, [.. handlers.Type.GetCustomAttributes<FormerNameAttribute>().Select(former => former.Name)]));
    }

    public override EntityInstance Restore(StoredEntity stored, EntityEnvironment environment)
    {
        var entity = environment.CreateEntity();
        if (stored.Snapshot is { } value)
        {
            entity.RestoreSnapshot(value.State);
        }

        return new ValueInstance(entity, stored, environment.Options.TimeToLive, environment.Types);
    }
}
