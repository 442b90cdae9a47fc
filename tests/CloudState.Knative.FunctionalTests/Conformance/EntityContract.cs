using System.Net;
using CloudState.Knative.FunctionalTests.Hosting;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>What Cloudstate asks of every kind of entity: rehydration, forwards, effects, failures, HTTP and passivation.</summary>
public abstract class EntityContract(TckDeployment tck) : ConformanceTest(tck)
{
    private readonly string _id = NewId();

    private protected abstract string EntityType { get; }

    private protected abstract string ConfiguredType { get; }

    /// <summary>The path of the model, without the id.</summary>
    private protected abstract string HttpPath { get; }

    /// <summary>The full name of the service that forwards and effects go to.</summary>
    private protected abstract string TargetService { get; }

    /// <summary>A step that writes, as JSON.</summary>
    private protected abstract string WriteJson(string value);

    /// <summary>Sends one request; returns the message of the reply.</summary>
    private protected abstract Task<string> ProcessAsync(string id, params Step[] steps);

    private protected abstract Task CallConfiguredAsync(string id);

    private protected abstract string StateAfter(params string[] writes);

    [Fact]
    public async Task NewEntity_RepliesTheEmptyState() => Assert.Equal("", await ProcessAsync(_id));

    [Fact]
    public async Task StateChange_IsReplied()
    {
        Assert.Equal("a", await ProcessAsync(_id, new Step.Write("a")));
        Assert.Equal("a", await ProcessAsync(_id));
    }

    [Fact]
    public async Task SeveralStateChanges_AreMadeInOrder()
    {
        Assert.Equal(StateAfter("a", "b", "c"), await ProcessAsync(_id, new Step.Write("a"), new Step.Write("b"), new Step.Write("c")));
        Assert.Equal(StateAfter("a", "b", "c", "d"), await ProcessAsync(_id, new Step.Write("d")));
    }

    [Fact]
    public async Task OtherEntity_HasItsOwnState()
    {
        await ProcessAsync(_id, new Step.Write("a"));

        Assert.Equal("b", await ProcessAsync(NewId(), new Step.Write("b")));
        Assert.Equal("a", await ProcessAsync(_id));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(7)]
    [InlineData(13)]
    public async Task RehydrationAfterPassivation_BringsTheStateBack(int changes)
    {
        var state = await ChangeOneByOneAsync(_id, changes);

        Tck.Passivate(EntityType);

        Assert.Equal(state, await ProcessAsync(_id));
        Assert.Equal(StateAfter(state, "more"), await ProcessAsync(_id, new Step.Write("more")));
    }

    [Fact]
    public async Task RehydrationAfterRestart_BringsTheStateBack()
    {
        var states = new Dictionary<string, string>();
        foreach (var changes in new[] { 1, 5, 7, 13 })
        {
            var id = NewId();
            states[id] = await ChangeOneByOneAsync(id, changes);
        }

        await Tck.RestartAsync();

        foreach (var (id, state) in states)
        {
            Assert.Equal(state, await ProcessAsync(id));
            Assert.Equal(StateAfter(state, "more"), await ProcessAsync(id, new Step.Write("more")));
        }
    }

    [Fact]
    public async Task Forward_RepliesWhatTheTargetReplies()
    {
        await ProcessAsync(_id, new Step.Write("a"));
        var target = NewId();

        Assert.Equal("", await ProcessAsync(_id, new Step.Forward(target)));

        Assert.Equal([target], Tck.Calls.Of(target));
    }

    [Fact]
    public async Task ForwardWithStateChanges_KeepsThem()
    {
        var target = NewId();

        Assert.Equal("", await ProcessAsync(_id, new Step.Write("a"), new Step.Forward(target), new Step.Write("b")));

        Assert.Equal([target], Tck.Calls.Of(target));
        Assert.Equal(StateAfter("a", "b"), await ProcessAsync(_id));
        Tck.Passivate(EntityType);
        Assert.Equal(StateAfter("a", "b"), await ProcessAsync(_id));
    }

    [Fact]
    public async Task ForwardWithEffects_CallsAllTargets()
    {
        var ids = NewIds(3);

        Assert.Equal("", await ProcessAsync(_id, new Step.Effect(ids[0]), new Step.Forward(ids[1]), new Step.Effect(ids[2], Synchronous: true), new Step.Write("a")));

        await AreCalledOnceAsync(ids);
        Assert.Equal("a", await ProcessAsync(_id));
    }

    [Fact]
    public async Task Effect_CallsItsTarget()
    {
        var target = NewId();

        Assert.Equal("", await ProcessAsync(_id, new Step.Effect(target)));

        await AreCalledOnceAsync(target);
    }

    [Fact]
    public async Task SeveralEffects_CallAllTargets()
    {
        var ids = NewIds(5);

        await ProcessAsync(_id, [.. ids.Select(id => new Step.Effect(id))]);

        await AreCalledOnceAsync(ids);
    }

    [Fact]
    public async Task SynchronousEffects_AreDoneInOrderBeforeTheReply()
    {
        var ids = NewIds(5);

        await ProcessAsync(_id, [.. ids.Select(id => new Step.Effect(id, Synchronous: true))]);

        Assert.Equal(ids, Tck.Calls.Of(ids));
    }

    [Fact]
    public async Task EffectsWithStateChanges_DoBoth()
    {
        var (synchronous, asynchronous) = (NewId(), NewId());

        Assert.Equal(
            StateAfter("a", "b", "c"),
            await ProcessAsync(_id, new Step.Write("a"), new Step.Effect(asynchronous), new Step.Write("b"), new Step.Effect(synchronous, Synchronous: true), new Step.Write("c")));

        Assert.Equal([synchronous], Tck.Calls.Of(synchronous));
        await AreCalledOnceAsync(asynchronous);
        Assert.Equal(StateAfter("a", "b", "c"), await ProcessAsync(_id));
    }

    [Fact]
    public Task Failure_RepliesItsMessage() => FailsAsync("no", () => ProcessAsync(_id, new Step.Fail("no")));

    [Fact]
    public async Task FailureWithStateChanges_KeepsNone()
    {
        await ProcessAsync(_id, new Step.Write("a"));

        await FailsAsync("no", () => ProcessAsync(_id, new Step.Write("b"), new Step.Fail("no"), new Step.Write("c")));

        Assert.Equal("a", await ProcessAsync(_id));
        Tck.Passivate(EntityType);
        Assert.Equal("a", await ProcessAsync(_id));
    }

    [Fact]
    public async Task FailureWithEffectsAndForward_DropsThem()
    {
        var (dropped, later) = (NewIds(4), NewId());

        await FailsAsync("no", () => ProcessAsync(
            _id, new Step.Effect(dropped[0]), new Step.Effect(dropped[1], Synchronous: true), new Step.Forward(dropped[2]), new Step.Fail("no"), new Step.Effect(dropped[3])));

        // Had they been kept, they would have gone before an effect of a later command.
        await ProcessAsync(_id, new Step.Effect(later));
        await AreCalledOnceAsync(later);
        Assert.Empty(Tck.Calls.Of(dropped));
    }

    [Fact]
    public async Task Failure_LetsTheEntityGoOn()
    {
        await ProcessAsync(_id, new Step.Write("a"));
        for (var i = 0; i < 3; i++)
        {
            await FailsAsync($"no {i}", () => ProcessAsync(_id, new Step.Write("x"), new Step.Fail($"no {i}")));
        }

        Assert.Equal(StateAfter("a", "b"), await ProcessAsync(_id, new Step.Write("b")));
        var target = NewId();
        await ProcessAsync(_id, new Step.Effect(target));
        await AreCalledOnceAsync(target);
    }

    [Fact]
    public async Task HttpApi_TakesTheKeyFromThePath()
    {
        Assert.Equal("""{"message":"a"}""", await PostAsync(HttpPath + _id, JsonOf(WriteJson("a"))));
        Assert.Equal("""{"message":"a"}""", await PostAsync(HttpPath + _id, "{}"));
        Assert.Equal("a", await ProcessAsync(_id));
    }

    [Fact]
    public async Task HttpApi_RepliesForwardsAndDoesEffects()
    {
        var (forward, effect) = (NewId(), NewId());

        Assert.Equal(
            """{"message":""}""",
            await PostAsync(HttpPath + _id, JsonOf(WriteJson("a"), $$$"""{"forward":{"id":"{{{forward}}}"}}""", $$$"""{"effect":{"id":"{{{effect}}}","synchronous":true}}""")));

        Assert.Equal([forward], Tck.Calls.Of(forward));
        Assert.Equal([effect], Tck.Calls.Of(effect));
    }

    [Fact]
    public async Task HttpApi_RepliesFailures() => Assert.Equal(
        """{"code":9,"message":"no","details":[]}""",
        await PostAsync(HttpPath + _id, JsonOf(WriteJson("a"), """{"fail":{"message":"no"}}"""), HttpStatusCode.BadRequest));

    [Fact]
    public async Task HttpApi_WithoutAnnotation_IsPostToTheMethod()
    {
        Assert.Equal("""{"message":""}""", await PostAsync($"/{TargetService}/Call", $$"""{"id":"{{_id}}"}"""));

        Assert.Equal([_id], Tck.Calls.Of(_id));
    }

    [Fact]
    public async Task PassivationTimeout_IsThatOfItsType()
    {
        await ProcessAsync(_id, new Step.Write("a"));
        await CallConfiguredAsync(_id);

        Assert.True(SpinWait.SpinUntil(() => Tck.InMemory(ConfiguredType) == 0, TestService.Patience));

        Assert.NotEqual(0, Tck.InMemory(EntityType));
        await CallConfiguredAsync(_id);
    }

    private protected async Task<string> ChangeOneByOneAsync(string id, int changes)
    {
        var state = "";
        for (var change = 0; change < changes; change++)
        {
            state = await ProcessAsync(id, new Step.Write($"{change},"));
        }

        Assert.Equal(StateAfter([.. Enumerable.Range(0, changes).Select(change => $"{change},")]), state);
        return state;
    }

    private static string JsonOf(params string[] actions) => $$"""{"actions":[{{string.Join(',', actions)}}]}""";
}
