using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Entities;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Actions;

/// <summary>Binds <see cref="ActionTimerEntity"/> to its service.</summary>
internal sealed class ActionTimerAttribute() : EntityAttribute("cloudstate-action-timer")
{
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)]
    internal override Type ServiceBase => typeof(ActionTimers.ActionTimersBase);

    internal override void Accept(IServiceVisitor visitor) => visitor.Visit<ActionTimers.ActionTimersBase>();

    internal override EntityModel ReadModel(HandlerClass handlers) => new ActionTimerModel();
}

/// <summary>An entity that has timers and no state.</summary>
internal sealed class ActionTimerModel : EntityModel
{
    public override string KindName => "timers of an action";

    public override StoredAs StoredAs => StoredAs.Value;

    public override bool HasJournal => false;

    public override IReadOnlyList<StoredTypeUse> StoredTypes => [];

    public override EntityInstance Restore(StoredEntity stored, EntityEnvironment environment) => new Instance(environment.CreateEntity(), stored.Version, environment.Types);

    private sealed class Instance(Entity entity, long version, StoredTypes types) : ClassInstance(entity, version, types)
    {
        public override void RequireEvent(Type eventType) => throw new InvalidOperationException("The timer of an action has no events.");

        public override void Emit(object stored, object applied) => RequireEvent(stored.GetType());

        public override void Delete() => throw new InvalidOperationException("The timer of an action has no state to delete.");

        protected override StateChange TakeChange(long expectedVersion, DateTimeOffset now) => NoChange(expectedVersion);

        protected override StateChange NoChange(long version) => new ValueChange(version, Value: null);
    }
}
