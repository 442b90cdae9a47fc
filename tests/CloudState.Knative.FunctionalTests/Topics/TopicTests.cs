using System.Net;
using System.Text;
using CloudState.Knative.FunctionalTests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Topics;

public sealed class TopicTests : IAsyncLifetime
{
    private const string Placed = "cloudstate.tests.topics.OrderPlaced";

    private readonly List<string> _taken = [];
    private TestService _service = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _service = await StartAsync(cloudState => cloudState.AddAction<IntakeAction>());

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    [Theory]
    [InlineData("/topics/orders", Placed, "TakeOrder 7")]
    [InlineData("/topics/orders", "cloudstate.tests.topics.Intake/TakeOrder", "TakeOrder 7")]
    [InlineData("/topics/audit", Placed, "AuditOrder 7")]
    [InlineData("/", "cloudstate.tests.topics.Intake/Check", "Check 7")]
    public async Task Event_GoesToTheRpcOfItsTopicAndType(string path, string type, string taken)
    {
        using var answer = await SendAsync(path, type, """{"order":"7"}""");

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal([taken], _taken);
    }

    [Theory]
    [InlineData("application/json", """{"a":1}""", "json.cloudstate.io/other.Type", "{\"a\":1}")]
    [InlineData("text/plain", "hello", "p.cloudstate.io/string", "hello")]
    [InlineData("application/octet-stream", "bytes", "p.cloudstate.io/bytes", "bytes")]
    public async Task WhatNobodyTakesByItsType_GoesToTheRpcThatTakesAnything(string contentType, string data, string typeUrl, string content)
    {
        using var answer = await SendAsync("/topics/audit", "other.Type", data, contentType);

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        var taken = Assert.Single(_taken);
        Assert.StartsWith($"AuditRest {typeUrl} ", taken, StringComparison.Ordinal);
        Assert.EndsWith(content, taken, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/topics/nothing", Placed, "No rpc takes events of the topic 'nothing'. Known topics: audit, orders.")]
    [InlineData("/topics/orders", "other.Type", "No rpc takes events of type 'other.Type' from the topic 'orders'. Known types: cloudstate.tests.topics.Intake/TakeOrder, cloudstate.tests.topics.OrderPlaced.")]
    [InlineData("/", Placed, "Several rpcs take 'cloudstate.tests.topics.OrderPlaced'. Send one of the types ")]
    public async Task EventThatCannotBeDelivered_IsRefusedForGood(string path, string type, string message)
    {
        using var answer = await SendAsync(path, type, """{"order":"7"}""");

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(message, (await answer.Content.ReadAsStringAsync(Cancellation)).Replace("\\u0027", "'", StringComparison.Ordinal));
        Assert.Empty(_taken);
    }

    [Fact]
    public async Task ReplyThatIsPreferred_IsAnEvent()
    {
        using var answer = await SendAsync("/topics/orders", Placed, """{"order":"7"}""", prefer: "respond-async, reply");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("""{"by":"TakeOrder","order":"7"}""", await answer.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal(
            ["1.0", "/tests%201", "/CloudState.Knative.FunctionalTests/cloudstate.tests.topics.Intake/TakeOrder", "cloudstate.tests.topics.Taken", "seven"],
            new[] { "ce-specversion", "ce-id", "ce-source", "ce-type", "ce-subject" }.Select(name => Assert.Single(answer.Headers.GetValues(name))));
    }

    [Theory]
    [InlineData("ce-type")]
    [InlineData("ce-subject")]
    [InlineData("ce-region")]
    public async Task ReplyMetadata_ChoosesAttributesOfTheReply(string attribute)
    {
        using var answer = await SendAsync("/topics/orders", Placed, """{"order":"7"}""", prefer: "reply", replyAttribute: attribute);

        Assert.Equal("chosen", Assert.Single(answer.Headers.GetValues(attribute)));
    }

    [Fact]
    public async Task ReplyMetadataThatIsNoAttribute_IsTheFaultOfTheHandler()
    {
        _service.ExpectErrors();

        using var answer = await SendAsync("/topics/orders", Placed, """{"order":"7"}""", prefer: "reply", replyAttribute: "ce-my-region");

        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
    }

    [Theory]
    [InlineData("/topics/audit", "other.Type", "reply", HttpStatusCode.NoContent)]
    [InlineData("/topics/orders", Placed, "wait=5", HttpStatusCode.NoContent)]
    [InlineData("/", "cloudstate.tests.topics.OrderCancelled", "reply", HttpStatusCode.BadRequest)]
    public async Task NoReply_IsNoEvent(string path, string type, string prefer, HttpStatusCode status)
    {
        using var answer = await SendAsync(path, type, """{"order":"7"}""", prefer: prefer);

        Assert.Equal(status, answer.StatusCode);
        Assert.False(answer.Headers.Contains("ce-id"));
    }

    [Fact]
    public async Task BindingThatMakesNoSense_EndsTheStart()
    {
        await RefusedAsync<BoundTwiceAction>("BoundTwice/First and cloudstate.tests.topics.BoundTwice/Second both take cloudstate.tests.topics.OrderPlaced from the topic 'orders'");
        await RefusedAsync<BoundStreamAction>("BoundStream/Take is bound to the topic 'orders', but streams");
        await RefusedAsync<BoundToNothingAction>("BoundToNothing/Take is bound to a source of events (cloudstate.eventing.in) without a name");
    }

    private async Task RefusedAsync<TAction>(string message)
        where TAction : class
    {
        var refused = await Assert.ThrowsAsync<EntityDefinitionException>(() => StartAsync(cloudState => cloudState.AddAction<TAction>()));

        Assert.Contains(message, refused.Message);
    }

    private Task<TestService> StartAsync(Action<CloudStateBuilder> add) => TestService.StartHostAsync(
        cloudState =>
        {
            cloudState.Services.AddSingleton(_taken);
            add(cloudState);
        },
        []);

    private async Task<HttpResponseMessage> SendAsync(string path, string type, string data, string contentType = "application/json", string? prefer = null, string? replyAttribute = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(data, Encoding.UTF8, contentType) };
        foreach (var (name, value) in new[] { ("specversion", "1.0"), ("type", type), ("source", "/tests"), ("id", "1"), ("subject", "seven") })
        {
            request.Headers.Add($"ce-{name}", value);
        }

        if (prefer is not null)
        {
            request.Headers.Add("Prefer", prefer);
        }

        if (replyAttribute is not null)
        {
            request.Headers.Add("x-attribute", replyAttribute);
        }

        return await _service.Http1.SendAsync(request, Cancellation);
    }
}
