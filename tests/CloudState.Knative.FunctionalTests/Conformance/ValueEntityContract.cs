using CloudState.Knative.Tck.ValueEntity;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>The conformance model of value entities: updates and deletes.</summary>
public abstract class ValueEntityContract(TckDeployment tck) : EntityContract(tck)
{
    private readonly string _id = NewId();

    private protected override string EntityType => ValueEntityTckModelEntity.EntityType;

    private protected override string ConfiguredType => ValueEntityConfiguredEntity.EntityType;

    private protected override string HttpPath => "/tck/model/entity/";

    private protected override string TargetService => ValueEntityTwo.Descriptor.FullName;

    private protected override string WriteJson(string value) => $$$"""{"update":{"value":"{{{value}}}"}}""";

    private protected override string StateAfter(params string[] writes) => writes[^1];

    private protected override async Task<string> ProcessAsync(string id, params Step[] steps)
    {
        var request = new Request { Id = id, Actions = { steps.Select(ActionOf) } };
        return (await new ValueEntityTckModel.ValueEntityTckModelClient(Tck.Channel).ProcessAsync(request, Options)).Message;
    }

    private protected override async Task CallConfiguredAsync(string id) =>
        await new ValueEntityConfigured.ValueEntityConfiguredClient(Tck.Channel).CallAsync(new Request { Id = id }, Options);

    [Fact]
    public async Task UpdateToEmpty_IsAnEmptyState()
    {
        await ProcessAsync(_id, new Step.Write("a"));

        Assert.Equal("", await ProcessAsync(_id, new Step.Write("")));

        await HasStateAsync("");
    }

    [Fact]
    public async Task Delete_LeavesTheEmptyState()
    {
        await ProcessAsync(_id, new Step.Write("a"));

        Assert.Equal("", await ProcessAsync(_id, new Step.Delete()));

        await HasStateAsync("");
    }

    [Fact]
    public async Task DeleteOfNewEntity_LeavesTheEmptyState()
    {
        Assert.Equal("", await ProcessAsync(_id, new Step.Delete()));

        await HasStateAsync("");
    }

    [Fact]
    public async Task UpdateAfterDelete_StartsAnew()
    {
        await ProcessAsync(_id, new Step.Write("a"));
        await ProcessAsync(_id, new Step.Delete());

        Assert.Equal("b", await ProcessAsync(_id, new Step.Write("b")));

        await HasStateAsync("b");
    }

    [Fact]
    public async Task UpdatesAndDeletesAtOnce_LeaveWhatTheLastOneDid()
    {
        Assert.Equal("b", await ProcessAsync(_id, new Step.Write("a"), new Step.Delete(), new Step.Write("b")));
        await HasStateAsync("b");

        Assert.Equal("", await ProcessAsync(_id, new Step.Write("c"), new Step.Delete()));
        await HasStateAsync("");
    }

    [Fact]
    public async Task RehydrationAfterRestart_KeepsDeletes()
    {
        var written = NewId();
        await ProcessAsync(_id, new Step.Write("a"));
        await ProcessAsync(_id, new Step.Delete());
        await ProcessAsync(written, new Step.Write("a"), new Step.Delete());
        await ProcessAsync(written, new Step.Write("b"));

        await Tck.RestartAsync();

        Assert.Equal("", await ProcessAsync(_id));
        Assert.Equal("b", await ProcessAsync(written));
    }

    [Fact]
    public async Task ForwardWithDelete_KeepsIt()
    {
        await ProcessAsync(_id, new Step.Write("a"));
        var target = NewId();

        Assert.Equal("", await ProcessAsync(_id, new Step.Delete(), new Step.Forward(target)));

        Assert.Equal([target], Tck.Calls.Of(target));
        await HasStateAsync("");
    }

    [Fact]
    public async Task EffectsWithDelete_DoBoth()
    {
        await ProcessAsync(_id, new Step.Write("a"));
        var target = NewId();

        await ProcessAsync(_id, new Step.Effect(target), new Step.Delete());

        await AreCalledOnceAsync(target);
        await HasStateAsync("");
    }

    [Fact]
    public async Task FailureWithDelete_KeepsTheState()
    {
        await ProcessAsync(_id, new Step.Write("a"));

        await FailsAsync("no", () => ProcessAsync(_id, new Step.Delete(), new Step.Fail("no")));

        await HasStateAsync("a");
    }

    /// <summary>In memory and in the store.</summary>
    private async Task HasStateAsync(string state)
    {
        Assert.Equal(state, await ProcessAsync(_id));
        Tck.Passivate(EntityType);
        Assert.Equal(state, await ProcessAsync(_id));
    }

    private static RequestAction ActionOf(Step step) => step switch
    {
        Step.Write write => new RequestAction { Update = new Update { Value = write.Value } },
        Step.Delete => new RequestAction { Delete = new Delete() },
        Step.Forward forward => new RequestAction { Forward = new Forward { Id = forward.Id } },
        Step.Effect effect => new RequestAction { Effect = new Effect { Id = effect.Id, Synchronous = effect.Synchronous } },
        Step.Fail fail => new RequestAction { Fail = new Fail { Message = fail.Message } },
        _ => throw new InvalidOperationException($"The model of value entities has no {step}."),
    };
}

[Collection<EmbeddedTck>]
public sealed class ValueEntityEmbeddedTests(EmbeddedTck tck) : ValueEntityContract(tck);

[Collection<ThreePodsTck>]
public sealed class ValueEntityThreePodsTests(ThreePodsTck tck) : ValueEntityContract(tck);
