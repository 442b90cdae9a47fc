using System.Net;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Probes;
using CloudState.Knative.FunctionalTests.Routing;
using CloudState.Knative.Runtime;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Edges;

/// <summary>A streaming rpc over REST, as Server-Sent Events and as lines.</summary>
[Collection(ProbeEntity.EntityType)]
public sealed class ServerSentEventTests : IAsyncLifetime
{
    private TestService _service = null!;

    public async ValueTask InitializeAsync() => _service = await ProbeEntity.StartServiceAsync();

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Change_IsAnEvent(bool http2, bool isBare)
    {
        using var stream = await EventsAsync(_service, isBare, http2);
        Assert.Equal(HttpStatusCode.OK, stream.Response.StatusCode);
        Assert.Equal("text/event-stream", stream.Response.Content.Headers.ContentType?.ToString());
        Assert.True(stream.Response.Headers.CacheControl?.NoStore);
        Assert.Equal(["""data: {"amount":0}""", ""], await stream.LinesAsync(2));

        await AddAsync(2);

        Assert.Equal(["""data: {"amount":2}""", ""], await stream.LinesAsync(2));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task FailureAfterTheStart_IsAnErrorEvent(bool isBare)
    {
        using var stream = await EventsAsync(_service, isBare, limit: 5);
        await stream.LinesAsync(2);

        await AddAsync(5);

        Assert.Equal(["event: error", """data: {"code":11,"message":"The total is 5.","details":[]}""", ""], await stream.LinesAsync(3));
        Assert.Null(Assert.Single(await stream.LinesAsync(1)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task FailureBeforeTheStart_IsAnHttpError(bool isBare)
    {
        await AddAsync(5);

        using var stream = await EventsAsync(_service, isBare, limit: 5);

        Assert.Equal(HttpStatusCode.BadRequest, stream.Response.StatusCode);
        Assert.Equal("application/json; charset=utf-8", stream.Response.Content.Headers.ContentType?.ToString());
        Assert.Equal(["""{"code":11,"message":"The total is 5.","details":[]}""", null], await stream.LinesAsync(2));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task QuietStream_GetsComments(bool isBare)
    {
        await using var service = await ProbeEntity.StartServiceAsync(("CloudState:StreamKeepAlive", "00:00:00.01"));
        using var stream = await EventsAsync(service, isBare);

        Assert.Equal(["""data: {"amount":0}""", "", ":", "", ":", ""], await stream.LinesAsync(6));
    }

    [Fact]
    public async Task PodThatStops_SaysSo()
    {
        using var stream = await EventsAsync(_service, isBare: false);
        await stream.LinesAsync(2);

        var rest = stream.LinesAsync(4);
        await _service.StopAsync();

        Assert.Equal(["event: error", """data: {"code":14,"message":"This pod is shutting down. Subscribe again.","details":[]}""", "", null], await rest);
    }

    [Fact]
    public async Task ClientThatLeaves_IsNoticed()
    {
        var table = _service.Services.GetRequiredService<EntityRuntime>().Tables.Single(table => table.Key == ProbeEntity.EntityType).Value;
        using (var stream = await EventsAsync(_service, isBare: true))
        {
            await stream.LinesAsync(2);
            Assert.True(SpinWait.SpinUntil(() => table.IsBusy, TestService.Patience));
        }

        Assert.True(SpinWait.SpinUntil(() => !table.IsBusy, TestService.Patience));
    }

    [Theory]
    [InlineData(false, null)]
    [InlineData(false, "*/*")]
    [InlineData(false, "application/json")]
    [InlineData(false, "text/event-stream;q=0")]
    [InlineData(true, null)]
    [InlineData(true, "application/json")]
    public async Task OtherClient_GetsLines(bool isBare, string? accept)
    {
        using var stream = await EventsAsync(_service, isBare, limit: 1, accept: accept);
        Assert.Equal("application/json; charset=utf-8", stream.Response.Content.Headers.ContentType?.ToString());
        Assert.Equal(["""{"amount":0}"""], await stream.LinesAsync(1));

        await AddAsync(1);

        Assert.Equal(["""{"code":11,"message":"The total is 1.","details":[]}""", null], await stream.LinesAsync(2));
    }

    private async Task AddAsync(int amount) =>
        await new Probe.ProbeClient(_service.Channel).AddAsync(new AddAmount { Id = "a", Amount = amount }, deadline: DateTime.UtcNow + TestService.Patience);

    private static async Task<LineStream> EventsAsync(TestService service, bool isBare, bool http2 = false, int limit = 0, string? accept = "application/json;q=0.5, text/event-stream")
    {
        using var request = isBare
            ? new HttpRequestMessage(HttpMethod.Post, "/cloudstate.tests.probe.Probe/WatchBare") { Content = RpcPathTests.Json($$"""{"id":"a","limit":{{limit}}}""") }
            : new HttpRequestMessage(HttpMethod.Get, $"/probes/a/watch?limit={limit}");
        request.Headers.TryAddWithoutValidation("Accept", accept);
        var response = await (http2 ? service.Http2 : service.Http1).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Pods.Cancellation);
        return new LineStream(response, new StreamReader(await response.Content.ReadAsStreamAsync(Pods.Cancellation)));
    }

    private sealed record LineStream(HttpResponseMessage Response, StreamReader Reader) : IDisposable
    {
        /// <summary>The next lines; null where the stream has ended.</summary>
        public async Task<string?[]> LinesAsync(int count)
        {
            var lines = new string?[count];
            for (var i = 0; i < count; i++)
            {
                lines[i] = await Reader.ReadLineAsync(Pods.Cancellation).AsTask().WaitAsync(TestService.Patience);
            }

            return lines;
        }

        public void Dispose()
        {
            Reader.Dispose();
            Response.Dispose();
        }
    }
}
