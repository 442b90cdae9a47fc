using CloudState.Knative.FunctionalTests.Nests;

namespace CloudState.Knative.FunctionalTests.Entities;

[EventSourcedEntity<Nests.Nests.NestsBase>(EntityType, SnapshotEvery = 2)]
public sealed class NestEntity : EventSourcedEntity<Nest>
{
    public const string EntityType = "nest";

    public Depth Deepen(Deepening command, CommandContext context)
    {
        context.Emit(new Deepened { Levels = command.Levels });
        return new Depth { Levels = State.Depth };
    }

    public void Apply(Deepened deepened)
    {
        for (var level = 0; level < deepened.Levels; level++)
        {
            State = new Nest { Inner = State, Depth = State.Depth + 1 };
        }
    }
}
