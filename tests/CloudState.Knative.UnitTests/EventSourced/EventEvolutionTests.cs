using CloudState.Knative.Entities;
using CloudState.Knative.EventSourced;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using CloudState.Knative.UnitTests.Protos;

namespace CloudState.Knative.UnitTests.EventSourced;

/// <summary>Streams that were written by older versions of an entity class.</summary>
public sealed class EventEvolutionTests
{
    private readonly EventSourcedModel _model = ModelOf(typeof(Evolved));

    [Fact]
    public void OldEvents_AreTurnedIntoTodaysStepByStep()
    {
        var entity = new Evolved();

        foreach (var stored in new object[] { new Added { Amount = 1 }, new Question { Counter = "22" }, "333" })
        {
            _model.Handlers.Replay(entity, stored);
        }

        Assert.Equal(6, entity.Read(new Question()).Value);
    }

    [Fact]
    public void FormerNames_AreKnownToTheStore()
    {
        var types = new StoredTypes(_model.StoredTypes);

        Assert.Equal("four", types.FromJson("old.Text", "\"four\""));
        Assert.Equal(new Added { Amount = 5 }, types.FromJson("old.Added", """{"amount":"5"}"""));
        Assert.Equal("p.cloudstate.io/string", types.Of("four").Name);
    }

    [Fact]
    public void UnknownEvent_IsRefusedWithItsTypeAndTheCure()
    {
        var unknown = Assert.Throws<UnreadableEntityException>(() => _model.Handlers.Replay(new Evolved(), new Total()));
        var unnamed = Assert.Throws<UnreadableEntityException>(() => new StoredTypes(_model.StoredTypes).FromJson("somebody.Elses", "{}"));

        Assert.Contains("Add: public void Apply(Total @event)", unknown.Message, StringComparison.Ordinal);
        Assert.Contains("'somebody.Elses'", unnamed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Circle_IsRefused() => Assert.Contains(
        "round in a circle",
        Assert.Throws<UnreadableEntityException>(() => ModelOf(typeof(Circular)).Handlers.Replay(new Circular(), new Added())).Message,
        StringComparison.Ordinal);

    [Theory]
    [InlineData(typeof(UpcastToNothing), "turns Added into Total but has no event handler for that. Add: public void Apply(Total @event)")]
    [InlineData(typeof(UpcastAndApply), "has both Upcast(Added) and Apply(Added)")]
    [InlineData(typeof(ValueWithApply), "is a value entity and has a method Apply")]
    [InlineData(typeof(ValueWithoutBase), "does not derive from ValueEntity<TState>")]
    public void UnfitClass_IsRefused(Type entityClass, string message) =>
        Assert.Contains(message, Assert.Throws<EntityDefinitionException>(() => EntityDefinitionReader.Read(entityClass)).Message, StringComparison.Ordinal);

    [Fact]
    public void ClassThatNothingSaysHowToStore_IsRefused() => Assert.Contains(
        ".UseJson(",
        Assert.Throws<EntityDefinitionException>(() => new StoredTypes([new StoredTypeUse(typeof(Evolved))])).Message,
        StringComparison.Ordinal);

    private static EventSourcedModel ModelOf(Type entityClass) => (EventSourcedModel)EntityDefinitionReader.Read(entityClass).Model;

    [EventSourcedEntity<Counter.CounterBase>("evolved")]
    public class Evolved : EventSourcedEntity<Total>
    {
        public Total Add(Addition command) => State;

        public Total Read(Question command) => State;

        [FormerName("old.Added")]
        public Question Upcast(Added old) => new() { Counter = new string('x', (int)old.Amount) };

        public string Upcast(Question old) => old.Counter;

        [FormerName("old.Text")]
        public void Apply(string text) => State.Value += text.Length;
    }

    [EventSourcedEntity<Counter.CounterBase>("circular")]
    public class Circular : EventSourcedEntity<Total>
    {
        public Total Add(Addition command) => State;

        public Total Read(Question command) => State;

        public Unhandled Upcast(Added old) => new();

        public Added Upcast(Unhandled old) => new();
    }

    [EventSourcedEntity<Counter.CounterBase>("upcast-to-nothing")]
    public class UpcastToNothing : Evolvable
    {
        public Total Upcast(Added old) => new();
    }

    [EventSourcedEntity<Counter.CounterBase>("upcast-and-apply")]
    public class UpcastAndApply : Evolvable
    {
        public Unhandled Upcast(Added old) => new();

        public void Apply(Added added) => State.Value++;

        public void Apply(Unhandled unhandled) => State.Value++;
    }

    [ValueEntity<Counter.CounterBase>("value-with-apply")]
    public class ValueWithApply : ValueEntity<Total>
    {
        public Total Add(Addition command) => State;

        public Total Read(Question command) => State;

        public void Apply(Added added) => Update(new Total { Value = added.Amount });
    }

    [ValueEntity<Counter.CounterBase>("value-without-base")]
    public class ValueWithoutBase : Evolvable;

    public class Evolvable : EventSourcedEntity<Total>
    {
        public Total Add(Addition command) => State;

        public Total Read(Question command) => State;
    }
}
