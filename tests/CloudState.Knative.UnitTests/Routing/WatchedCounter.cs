using CloudState.Knative.Entities;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using CloudState.Knative.UnitTests.Protos;

namespace CloudState.Knative.UnitTests.Routing;

/// <summary>An entity with a streaming rpc.</summary>
[EventSourcedEntity<WatchedCounters.WatchedCountersBase>("watched")]
public sealed class WatchedCounter : EventSourcedEntity<Total>
{
    private static readonly EntityDefinition Definition = EntityDefinitionReader.Read(typeof(WatchedCounter));

    public Total Read(Question question) => State;

    public Total Watch(Question question) => State;

    internal static Command CommandOf(string rpc) => new()
    {
        Definition = Definition.Commands[$"cloudstate.tests.unit.WatchedCounters/{rpc}"],
        Entity = new EntityId("watched", "a"),
        Message = new Question { Counter = "a" },
        Metadata = CallMetadata.Empty,
    };
}
