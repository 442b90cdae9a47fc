using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Faults.Events;

[EventSourcedEntity<Counters.CountersBase>(EntityType)]
public sealed class CounterEntity : EventSourcedEntity<CounterState>
{
    public const string EntityType = "counter";

    public Empty Count(CountNumber command, CommandContext context)
    {
        context.Emit(new Counted { Key = command.Key, Number = command.Number });
        return new Empty();
    }

    public void Apply(Counted counted) => State.Count++;
}

[EventSourcedEntity<PlainCounters.PlainCountersBase>("plain-counter")]
public sealed class PlainCounterEntity : EventSourcedEntity<CounterState>
{
    public Empty Count(CountNumber command, CommandContext context)
    {
        context.Emit(new Counted { Key = command.Key, Number = command.Number });
        return new Empty();
    }

    public void Apply(Counted counted) => State.Count++;
}
