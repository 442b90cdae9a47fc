using System.Net;
using System.Text;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Routing;
using CloudState.Knative.FunctionalTests.Storage;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Topics;

/// <summary>Events of a topic whose order is kept although the broker does not; the same on both stores.</summary>
public abstract class OrderedTopicTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private protected abstract (string Key, string Value)[] Settings { get; }

    [Fact]
    public async Task EventsThatComeInReverse_AreAppliedInOrder()
    {
        await using var service = await StartAsync();
        var key = NewKey();

        var third = SendAsync(service, key, 3);
        var second = SendAsync(service, key, 2);
        var statuses = await Task.WhenAll(third, second, SendAsync(service, key, 1));

        Assert.All(statuses, status => Assert.Equal(HttpStatusCode.NoContent, status));
        Assert.Equal("1,2,3", await AppliedAsync(service, key));
    }

    [Fact]
    public async Task EventWhosePredecessorDoesNotCome_IsToBeDeliveredAgain_AlsoAfterARestart()
    {
        var key = NewKey();
        (string, string)[] brief = [("CloudState:Eventing:OutOfOrderWait", "00:00:00.02")];
        await using (var service = await StartAsync(brief))
        {
            Assert.Equal(HttpStatusCode.NoContent, await SendAsync(service, key, 1));
            Assert.Equal(HttpStatusCode.Conflict, await SendAsync(service, key, 3));
        }

        await using var next = await StartAsync(brief);
        Assert.Equal(HttpStatusCode.Conflict, await SendAsync(next, key, 3));
        Assert.Equal(HttpStatusCode.NoContent, await SendAsync(next, key, 2));
        Assert.Equal(HttpStatusCode.NoContent, await SendAsync(next, key, 3));
        Assert.Equal(HttpStatusCode.NoContent, await SendAsync(next, key, 3));
        Assert.Equal("1,2,3", await AppliedAsync(next, key));
    }

    [Fact]
    public async Task PredecessorThatIsGivenUp_IsNotWaitedForAnyMore_AndAppliedLate()
    {
        await using var service = await StartAsync([("CloudState:Topics:steps:OutOfOrderLimit", "00:00:00.05")]);
        var key = NewKey();

        Assert.Equal(HttpStatusCode.NoContent, await SendAsync(service, key, 2));
        Assert.Equal(HttpStatusCode.NoContent, await SendAsync(service, key, 3));
        Assert.Equal(HttpStatusCode.NoContent, await SendAsync(service, key, 1));

        Assert.Equal("2,3,1", await AppliedAsync(service, key));
    }

    [Fact]
    public async Task RejectedEvent_CountsAsCome()
    {
        await using var service = await StartAsync();
        var key = NewKey();

        Assert.Equal(HttpStatusCode.BadRequest, await SendAsync(service, key, 1, amount: -1));
        Assert.Equal(HttpStatusCode.NoContent, await SendAsync(service, key, 2));

        Assert.Equal("2", await AppliedAsync(service, key));
    }

    [Fact]
    public async Task NumberThatIsNone_IsRefused()
    {
        await using var service = await StartAsync();

        Assert.Equal(HttpStatusCode.BadRequest, await SendAsync(service, NewKey(), 0));
    }

    [Fact]
    public async Task ActionInAnOrderedTopic_StopsTheStart()
    {
        var refused = await Assert.ThrowsAsync<EntityDefinitionException>(() => TestService.StartHostAsync(
            cloudState =>
            {
                cloudState.Services.AddSingleton(new List<string>());
                cloudState.AddAction<IntakeAction>();
            },
            [.. Settings, ("CloudState:Topics:orders:InOrder", "true")]));

        Assert.Contains("CloudState:Topics:orders:InOrder is set, but cloudstate.tests.topics.Intake/TakeOrder, which takes events of the topic, is answered by an action", refused.Message, StringComparison.Ordinal);
    }

    private protected Task<TestService> StartAsync((string, string)[]? more = null) => TestService.StartHostAsync(
        cloudState => cloudState.AddEntity<StepsEntity>(), [.. Settings, ("CloudState:Topics:steps:InOrder", "true"), .. more ?? []]);

    private protected static async Task<HttpStatusCode> SendAsync(TestService service, string key, int sequence, int amount = 1)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/topics/steps")
        {
            Content = new StringContent($$"""{"number":{{sequence * amount}}}""", Encoding.UTF8, "application/json"),
        };
        foreach (var (name, value) in new[] { ("specversion", "1.0"), ("type", "cloudstate.tests.topics.StepTaken"), ("source", "/tests"), ("id", $"{key}/{sequence}"), ("subject", key), ("sequence", $"{sequence}") })
        {
            request.Headers.Add($"ce-{name}", value);
        }

        using var answer = await service.Http1.SendAsync(request, Cancellation);
        return answer.StatusCode;
    }

    private protected static async Task<string> AppliedAsync(TestService service, string key) =>
        string.Join(",", (await new Steps.StepsClient(service.Channel).GetAsync(new GetSteps { Walker = key }, cancellationToken: Cancellation)).Numbers);

    private protected static string NewKey() => Guid.NewGuid().ToString("N");
}

public sealed class SqliteOrderedTopicTests : OrderedTopicTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private protected override (string Key, string Value)[] Settings => [("CloudState:Sqlite:Path", Path.Combine(_folder.Path, "steps.db"))];

    public void Dispose() => _folder.Dispose();
}

public sealed class MartenOrderedTopicTests(PostgresSchema schema) : OrderedTopicTests, IClassFixture<PostgresSchema>
{
    private protected override (string Key, string Value)[] Settings => Pods.Settings(schema);

    [Fact]
    public async Task EventsThatComeToAnotherPod_AreAppliedInOrder()
    {
        await using var first = await StartAsync();
        await using var second = await StartAsync();
        await Pods.SettledAsync(first, second);
        var key = first.KeyOf("steps", NewKey());

        var statuses = await Task.WhenAll(SendAsync(second, key, 3), SendAsync(first, key, 2), SendAsync(second, key, 1));

        Assert.All(statuses, status => Assert.Equal(HttpStatusCode.NoContent, status));
        Assert.Equal("1,2,3", await AppliedAsync(second, key));
    }
}
