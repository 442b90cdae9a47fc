using CloudState.Knative.Entities;
using CloudState.Knative.EventSourced;
using CloudState.Knative.Testing;
using CloudState.Knative.UnitTests.Protos;
using CloudState.Knative.UnitTests.Runtime;

namespace CloudState.Knative.UnitTests.Entities;

public class EntityDefinitionTests
{
    [Fact]
    public void FittingClass_HasAllCommandsAndEvents()
    {
        var definition = EntityDefinitionReader.Read(typeof(CounterEntity));

        Assert.Equal(["cloudstate.tests.unit.Counter/Add", "cloudstate.tests.unit.Counter/Read"], definition.Commands.Keys.Order());
        Assert.Equal([typeof(Added), typeof(Total)], definition.Model.StoredTypes.Select(stored => stored.Type));
    }

    [Theory]
    [InlineData(typeof(NoAttribute), "has no entity attribute. Add: [EventSourcedEntity<")]
    [InlineData(typeof(NoBase), "does not derive from EventSourcedEntity<TState>")]
    [InlineData(typeof(BadName), "entity type 'a/b'")]
    [InlineData(typeof(NoService), "names String as its service")]
    [InlineData(typeof(MissingHandler), "has no handler for the rpc cloudstate.tests.unit.Counter.Read. Add: public Total Read(Question command, CommandContext context)")]
    [InlineData(typeof(WrongShape), "has a method Read that does not fit the rpc cloudstate.tests.unit.Counter.Read. Write: public Total Read(Question command, CommandContext context)")]
    [InlineData(typeof(TwoHandlers), "has 2 methods named Read")]
    [InlineData(typeof(StrayHandler), "has a public method Reed that takes a message, but cloudstate.tests.unit.Counter has no rpc of that name")]
    [InlineData(typeof(WrongApply), "of the wrong shape. Write: public void Apply(YourEvent @event)")]
    [InlineData(typeof(UnhandledEvent), "declares the event Unhandled but has no event handler for it. Add: public void Apply(Unhandled @event)")]
    [InlineData(typeof(UndeclaredEvent), "handles the event Added, which its attribute does not declare. Add typeof(Added) to Events")]
    [InlineData(typeof(KeylessCommand), "its input cloudstate.tests.unit.Total has no entity key. Mark a field with [(cloudstate.entity_key) = true]")]
    [InlineData(typeof(DoubleKeyCommand), "the key field cloudstate.tests.unit.DoubleKey.key is neither a string nor an integer")]
    [InlineData(typeof(StreamingCommand), "is bound to the rpc cloudstate.tests.unit.Streaming.Watch, whose input is a stream")]
    [InlineData(typeof(PlainStateWithoutSnapshot), "keeps its state in PlainState, which is no protobuf message. Add public TheSnapshot Snapshot()")]
    [InlineData(typeof(OnlyAnEventHandler), "has no handler for the rpc cloudstate.tests.unit.Names.Apply. Add: public Total Apply(Addition command, CommandContext context), " +
        "or, because the name is taken, a method of another name with [Rpc(\"Apply\")] above it")]
    [InlineData(typeof(UnknownRpc), "has [Rpc(\"Reed\")] on the method Look, but cloudstate.tests.unit.Counter has no rpc of that name. Name one that it has.")]
    [InlineData(typeof(UnfitStreamEnd), "has methods WatchEnded that do not fit the end of the stream cloudstate.tests.unit.WatchedCounters.Watch. Write one: public void WatchEnded(Question command, CommandContext context)")]
    [InlineData(typeof(LevelWithoutReplicas), "has [AtLevel(CrdtLevel.Local)], which only replicated entities have")]
    [InlineData(typeof(SnapshotWithoutRestore), "has Snapshot and Restore methods that do not fit")]
    public void UnfitClass_IsRefusedWithClassMemberAndCure(Type entityClass, string message)
    {
        var refused = Assert.Throws<EntityDefinitionException>(() => EntityDefinitionReader.Read(entityClass));

        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
        Assert.StartsWith(entityClass.FullName!, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TwoEntitiesForOneService_AreRefused()
    {
        var refused = Assert.Throws<EntityDefinitionException>(() => new EntityDefinitions(
            [EntityDefinitionReader.Read(typeof(CounterEntity)), EntityDefinitionReader.Read(typeof(OtherCounter))]));

        Assert.Contains("both have the service 'cloudstate.tests.unit.Counter'", refused.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(OtherCounter), refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PlainStateWithSnapshotPair_IsTakenAndRestored()
    {
        var definition = EntityDefinitionReader.Read(typeof(PlainStateEntity));
        var entity = new PlainStateEntity();
        entity.Apply(new Added { Amount = 7 });

        var snapshots = Assert.IsType<EventSourcedModel>(definition.Model).Snapshots!;
        var snapshot = snapshots.Take(entity);
        var restored = new PlainStateEntity();
        snapshots.Restore(restored, snapshot);

        Assert.Equal(7, restored.Read(new Question()).Value);
    }

    [Fact]
    public async Task RpcsWithNamesOfHandlers_AreServedBesideThem()
    {
        var entity = EntityTestKit.Create(() => new NamesEntity(), "k")
            .GivenSnapshot(new Total { Value = 100 })
            .Given(new Added { Amount = 10 });

        var applied = await entity.WhenAsync(new Addition { Counter = "k", Amount = 1 }, "Apply");

        Assert.Equal([new Addition { Counter = "k", Amount = 1 }], applied.Events);
        Assert.Equal(111, applied.Reply<Total>().Value);
        foreach (var (rpc, reply) in new[] { ("Snapshot", 1), ("Restore", 2), ("Delete", 3), ("GetType", 4), ("State", 5) })
        {
            Assert.Equal(reply, (await entity.WhenAsync(new Question { Counter = "k" }, rpc)).Reply<Total>().Value);
        }

        Assert.Equal(6, (await entity.WhenAsync(new Addition { Counter = "k" }, "Upcast")).Reply<Total>().Value);
    }

    [EventSourcedEntity<Names.NamesBase>("names")]
    public class NamesEntity : EventSourcedEntity<Total>
    {
        [Rpc("Apply")]
        public Total Increase(Addition command, CommandContext context)
        {
            context.Emit(command);
            return State;
        }

        public Total Upcast(Addition command) => new() { Value = 6 + command.Amount };

        public Total Snapshot(Question command) => new() { Value = command.Counter.Length };

        public Task<Total> Restore(Question command) => Task.FromResult(new Total { Value = 1 + command.Counter.Length });

        public Total Delete(Question command) => new() { Value = 2 + command.Counter.Length };

        public Total GetType(Question command) => new() { Value = 3 + command.Counter.Length };

        [Rpc("State")]
        public Total ReadState(Question command) => new() { Value = 4 + command.Counter.Length };

        public void Apply(Addition added) => State.Value += added.Amount;

        public void Apply(Added added) => State.Value += added.Amount;

        public Added Upcast(Unhandled old) => new() { Amount = old.CalculateSize() };

        public Total Snapshot() => State;

        public void Restore(Total snapshot) => State.MergeFrom(snapshot);
    }

    [EventSourcedEntity<Names.NamesBase>("only-an-event-handler")]
    public class OnlyAnEventHandler : EventSourcedEntity<Total>
    {
        public void Apply(Addition added) => State.Value += added.Amount;
    }

    [EventSourcedEntity<Counter.CounterBase>("unknown-rpc")]
    public class UnknownRpc : Valid
    {
        [Rpc("Reed")]
        public Total Look(Question command) => Read(command);
    }

    public class Valid : EventSourcedEntity<Total>
    {
        public Total Add(Addition command) => new() { Value = command.Amount };

        public Total Read(Question command) => new() { Value = command.Counter.Length };
    }

    public class NoAttribute : Valid;

    [EventSourcedEntity<Counter.CounterBase>("no-base")]
    public class NoBase
    {
        public Total Add(Addition command) => new() { Value = command.Amount };

        public Total Read(Question command) => new() { Value = command.Counter.Length };
    }

    [EventSourcedEntity<Counter.CounterBase>("a/b")]
    public class BadName : Valid;

    [EventSourcedEntity<string>("no-service")]
    public class NoService : Valid;

    [EventSourcedEntity<Counter.CounterBase>("other-counter")]
    public class OtherCounter : Valid;

    [EventSourcedEntity<Counter.CounterBase>("missing-handler")]
    public class MissingHandler : EventSourcedEntity<Total>
    {
        public Total Add(Addition command) => new() { Value = command.Amount };
    }

    [EventSourcedEntity<Counter.CounterBase>("wrong-shape")]
    public class WrongShape : EventSourcedEntity<Total>
    {
        public Total Add(Addition command) => new() { Value = command.Amount };

        public string Read(Question command) => command.Counter;
    }

    [EventSourcedEntity<Counter.CounterBase>("two-handlers")]
    public class TwoHandlers : Valid
    {
        public Total Read(Question command, CommandContext context) => new() { Value = context.Version + command.Counter.Length };
    }

    [EventSourcedEntity<Counter.CounterBase>("stray-handler")]
    public class StrayHandler : Valid
    {
        public Total Reed(Question command) => Read(command);
    }

    [EventSourcedEntity<Counter.CounterBase>("wrong-apply")]
    public class WrongApply : Valid
    {
        public void Apply(DateTime @event) => State.Value = @event.Ticks;
    }

    [EventSourcedEntity<Counter.CounterBase>("unhandled-event", Events = [typeof(Added), typeof(Unhandled)])]
    public class UnhandledEvent : Valid
    {
        public void Apply(Added added) => State.Value += added.Amount;
    }

    [EventSourcedEntity<Counter.CounterBase>("undeclared-event", Events = [typeof(Unhandled)])]
    public class UndeclaredEvent : UnhandledEvent
    {
        public void Apply(Unhandled unhandled) => State.Value += unhandled.CalculateSize();
    }

    [EventSourcedEntity<WithoutKey.WithoutKeyBase>("keyless")]
    public class KeylessCommand : EventSourcedEntity<Total>
    {
        public Total Ask(Total command) => command;
    }

    [EventSourcedEntity<WithDoubleKey.WithDoubleKeyBase>("double-key")]
    public class DoubleKeyCommand : EventSourcedEntity<Total>
    {
        public Total Ask(DoubleKey command) => new() { Value = (long)command.Key };
    }

    [EventSourcedEntity<Streaming.StreamingBase>("streaming")]
    public class StreamingCommand : EventSourcedEntity<Total>
    {
        public Total Watch(Question command) => new() { Value = command.Counter.Length };
    }

    public class PlainState
    {
        public long Sum { get; set; }
    }

    [EventSourcedEntity<Counter.CounterBase>("plain-without-snapshot")]
    public class PlainStateWithoutSnapshot : EventSourcedEntity<PlainState>
    {
        public Total Add(Addition command) => new() { Value = State.Sum + command.Amount };

        public Total Read(Question command) => new() { Value = State.Sum + command.Counter.Length };
    }

    [EventSourcedEntity<Counter.CounterBase>("snapshot-without-restore")]
    public class SnapshotWithoutRestore : PlainStateWithoutSnapshot
    {
        public Total Snapshot() => new() { Value = State.Sum };
    }

    [EventSourcedEntity<WatchedCounters.WatchedCountersBase>("unfit-stream-end")]
    public class UnfitStreamEnd : EventSourcedEntity<Total>
    {
        public Total Read(Question command) => State;

        public Total Watch(Question command) => State;

        public void WatchEnded(Total command) => State.Value += command.Value;
    }

    [AtLevel(CrdtLevel.Local)]
    [EventSourcedEntity<Counter.CounterBase>("level-without-replicas")]
    public class LevelWithoutReplicas : PlainStateEntity
    {
    }

    [EventSourcedEntity<Counter.CounterBase>("plain")]
    public class PlainStateEntity : PlainStateWithoutSnapshot
    {
        public void Apply(Added added) => State.Sum += added.Amount;

        public Total Snapshot() => new() { Value = State.Sum };

        public void Restore(Total snapshot) => State = new PlainState { Sum = snapshot.Value };
    }
}
