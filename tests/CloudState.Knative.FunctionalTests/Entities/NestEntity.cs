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

    public Nest Show(Deepening command) => Wrap(new Nest(), command.Levels);

    public void Apply(Deepened deepened) => State = Wrap(State, deepened.Levels);

    private static Nest Wrap(Nest nest, int levels)
    {
        for (var level = 0; level < levels; level++)
        {
            nest = new Nest { Inner = nest, Depth = nest.Depth + 1 };
        }

        return nest;
    }
}
