using CloudState.Knative.Tck.EventSourced;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>The conformance model of event sourced entities: events and snapshots.</summary>
public abstract class EventSourcedContract(TckDeployment tck) : EntityContract(tck)
{
    private readonly string _id = NewId();

    private protected override string EntityType => EventSourcedTckModelEntity.EntityType;

    private protected override string ConfiguredType => EventSourcedConfiguredEntity.EntityType;

    private protected override string HttpPath => "/tck/model/eventsourced/";

    private protected override string TargetService => EventSourcedTwo.Descriptor.FullName;

    private protected override string WriteJson(string value) => $$$"""{"emit":{"value":"{{{value}}}"}}""";

    private protected override string StateAfter(params string[] writes) => string.Concat(writes);

    private protected override async Task<string> ProcessAsync(string id, params Step[] steps)
    {
        var request = new Request { Id = id, Actions = { steps.Select(ActionOf) } };
        return (await new EventSourcedTckModel.EventSourcedTckModelClient(Tck.Channel).ProcessAsync(request, Options)).Message;
    }

    private protected override async Task CallConfiguredAsync(string id) =>
        await new EventSourcedConfigured.EventSourcedConfiguredClient(Tck.Channel).CallAsync(new Request { Id = id }, Options);

    [Theory]
    [InlineData(4, 0)]
    [InlineData(5, 5)]
    [InlineData(9, 5)]
    [InlineData(10, 10)]
    [InlineData(17, 15)]
    public async Task Snapshots_AreStoredEveryFiveEvents(int events, long snapshotVersion)
    {
        await ChangeOneByOneAsync(_id, events);

        await HasSnapshotAsync(snapshotVersion, events);
    }

    [Fact]
    public async Task SeveralEventsAtOnce_StoreOneSnapshotOfAll()
    {
        await ProcessAsync(_id, Emits("a", "b", "c"));
        Assert.Null((await Tck.StoredAsync(EntityType, _id)).Snapshot);

        Assert.Equal("abcdefg", await ProcessAsync(_id, Emits("d", "e", "f", "g")));
        await HasSnapshotAsync(7, 7);

        await ProcessAsync(_id, Emits("h", "i", "j", "k", "l", "m"));
        await HasSnapshotAsync(13, 13);
        Tck.Passivate(EntityType);
        Assert.Equal("abcdefghijklmn", await ProcessAsync(_id, Emits("n")));
    }

    [Fact]
    public async Task ForwardWithSnapshot_StoresIt()
    {
        var target = NewId();

        Assert.Equal("", await ProcessAsync(_id, [.. Emits("a", "b", "c", "d", "e"), new Step.Forward(target)]));

        Assert.Equal([target], Tck.Calls.Of(target));
        await HasSnapshotAsync(5, 5);
        Tck.Passivate(EntityType);
        Assert.Equal("abcde", await ProcessAsync(_id));
    }

    [Fact]
    public async Task EffectsWithSnapshot_StoreIt()
    {
        var ids = NewIds(2);

        Assert.Equal("abcde", await ProcessAsync(_id, [.. Emits("a", "b", "c", "d", "e"), new Step.Effect(ids[0]), new Step.Effect(ids[1], Synchronous: true)]));

        await AreCalledOnceAsync(ids);
        await HasSnapshotAsync(5, 5);
    }

    [Fact]
    public async Task FailureOnTheFifthEvent_StoresNoSnapshot()
    {
        await ProcessAsync(_id, Emits("a", "b", "c", "d"));

        await FailsAsync("no", () => ProcessAsync(_id, new Step.Write("x"), new Step.Fail("no")));
        await HasSnapshotAsync(0, 4);

        Assert.Equal("abcde", await ProcessAsync(_id, Emits("e")));
        await HasSnapshotAsync(5, 5);
    }

    private async Task HasSnapshotAsync(long version, long events)
    {
        var stored = await Tck.StoredAsync(EntityType, _id);
        Assert.Equal((version, events), (stored.Snapshot?.Version ?? 0, stored.Version));
    }

    private static Step[] Emits(params string[] values) => [.. values.Select(value => new Step.Write(value))];

    private static RequestAction ActionOf(Step step) => step switch
    {
        Step.Write write => new RequestAction { Emit = new Emit { Value = write.Value } },
        Step.Forward forward => new RequestAction { Forward = new Forward { Id = forward.Id } },
        Step.Effect effect => new RequestAction { Effect = new Effect { Id = effect.Id, Synchronous = effect.Synchronous } },
        Step.Fail fail => new RequestAction { Fail = new Fail { Message = fail.Message } },
        _ => throw new InvalidOperationException($"The model of event sourced entities has no {step}."),
    };
}

[Collection<EmbeddedTck>]
public sealed class EventSourcedEmbeddedTests(EmbeddedTck tck) : EventSourcedContract(tck);

[Collection<ThreePodsTck>]
public sealed class EventSourcedThreePodsTests(ThreePodsTck tck) : EventSourcedContract(tck);
