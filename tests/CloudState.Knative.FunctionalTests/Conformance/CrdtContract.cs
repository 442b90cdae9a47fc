using System.Net;
using CloudState.Knative.Entities;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.Tck.Crdts;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>The conformance model of CRDT entities, by the 88 cases of the kit.</summary>
public abstract class CrdtContract(TckDeployment tck) : ConformanceTest(tck)
{
    private readonly string _id = $"GSet-{NewId()}";

    public static IEnumerable<TheoryDataRow<int>> AnywhereCases => RowsOf(needsOthers: false);

    private CrdtTckModel.CrdtTckModelClient Model => new(Tck.Channel);

    private CrdtTwo.CrdtTwoClient Two => new(Tck.Channel);

    [Theory]
    [MemberData(nameof(AnywhereCases))]
    public Task Case(int number) => RunAsync(number);

    [Fact]
    public void Models_AreReplicatedEntities()
    {
        var definitions = Tck.Pod(0).Services.GetRequiredService<EntityDefinitions>().All;

        foreach (var service in new[] { CrdtTckModel.Descriptor, CrdtTwo.Descriptor, CrdtConfigured.Descriptor })
        {
            Assert.True(definitions.Single(definition => definition.Service.FullName == service.FullName).Model.IsReplicated);
        }
    }

    [Fact]
    public async Task ForwardsAndEffects_GoToAnEntityWithTheSameId()
    {
        Assert.Equal("{one}", await ProcessAsync(new RequestAction { Update = new() { Gset = new() { Add = "one" } } }));

        Assert.Equal("forwarded", await ProcessAsync(new RequestAction { Forward = new() { Id = _id } }));
        Assert.Equal([_id], Tck.Calls.Of(_id));
        await ShowAsync("{one}");
        Assert.Equal("{one}", await ProcessAsync(new RequestAction { Effect = new() { Id = _id, Synchronous = true } }));
        Assert.Equal([_id, _id], Tck.Calls.Of(_id));
        await ShowAsync("{one}");
        Assert.Equal("{one}", await ProcessAsync(new RequestAction { Delete = new() }));

        Assert.Null((await Two.CallAsync(new Request { Id = _id, Actions = { new RequestAction { Delete = new() } } }, Options)).State);
        await ShowAsync("{}");
    }

    [Fact]
    public async Task HttpApi_IsThatOfTheKit()
    {
        var id = $"PNCounter-{NewId()}";
        var path = $"/tck/model/crdt/{id}";

        Assert.Equal(Value("0"), await PostAsync(path, "{}"));
        Assert.Equal("{}", await PostAsync($"/{CrdtTwo.Descriptor.FullName}/Call", $$"""{"id":"{{id}}"}"""));
        Assert.Equal([id], Tck.Calls.Of(id));
        Assert.Equal(Value("42"), await PostAsync(path, """{"actions":[{"update":{"pncounter":{"change":42}}}]}"""));
        await ShowAsync("42", id);
        Assert.Equal(
            """{"code":9,"message":"expected failure","details":[]}""",
            await PostAsync(path, """{"actions":[{"fail":{"message":"expected failure"}}]}""", HttpStatusCode.BadRequest));
        Assert.Equal(Value("-81"), await PostAsync(path, """{"actions":[{"update":{"pncounter":{"change":-123}}}]}"""));
        await ShowAsync("-81", id);
        Assert.Equal(Value("-81"), await PostAsync(path, """{"actions":[{"delete":{}}]}"""));
        await ShowAsync("0", id);

        static string Value(string number) => $$$$"""{"state":{"pncounter":{"value":"{{{{number}}}}"}}}""";
    }

    [Fact]
    public async Task PassivationTimeout_IsThatOfItsType()
    {
        await new CrdtConfigured.CrdtConfiguredClient(Tck.Channel).CallAsync(new Request { Id = _id }, Options);

        Assert.True(SpinWait.SpinUntil(() => Tck.InMemory(CrdtConfiguredEntity.EntityType) == 0, TestService.Patience));
    }

    private protected async Task RunAsync(int number)
    {
        using var run = new CrdtRun(Tck, CrdtCases.All.Single(crdtCase => crdtCase.Number == number));
        await run.RunAsync();
    }

    private protected static IEnumerable<TheoryDataRow<int>> RowsOf(bool needsOthers) => CrdtCases.All
        .Where(crdtCase => crdtCase.Steps.Length > 0 && crdtCase.NeedsOthers == needsOthers)
        .Select(crdtCase => new TheoryDataRow<int>(crdtCase.Number) { TestDisplayName = $"{crdtCase.Number} {crdtCase.Type} {crdtCase.Name}" });

    private async Task<string> ProcessAsync(RequestAction action)
    {
        var text = CrdtSteps.Text((await Model.ProcessAsync(new Request { Id = _id, Actions = { action } }, Options)).State);
        await (text == "forwarded" || action.Delete is not null ? Task.CompletedTask : ShowAsync(text));
        return text;
    }

    /// <summary>Waits until all pods show the state.</summary>
    private async Task ShowAsync(string state, string? id = null)
    {
        for (var pod = 0; pod < Tck.PodCount; pod++)
        {
            using var watch = new CrdtTckModel.CrdtTckModelClient(Tck.Pod(pod).Channel).ProcessStreamed(new StreamedRequest { Id = id ?? _id }, Options);
            do
            {
                Assert.True(await watch.ResponseStream.MoveNext(Options.CancellationToken));
            }
            while (CrdtSteps.Text(watch.ResponseStream.Current.State) != state);
        }
    }
}

[Collection<EmbeddedTck>]
public sealed class CrdtEmbeddedTests(EmbeddedTck tck) : CrdtContract(tck);

[Collection<ThreePodsTck>]
public sealed class CrdtThreePodsTests(ThreePodsTck tck) : CrdtContract(tck)
{
    public static IEnumerable<TheoryDataRow<int>> OtherVoterCases => RowsOf(needsOthers: true);

    [Theory]
    [MemberData(nameof(OtherVoterCases))]
    public Task CaseWithOtherVoters(int number) => RunAsync(number);
}
