using System.Net;
using System.Net.Http.Headers;
using CloudState.Knative.FunctionalTests.Hosting;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Edges;

/// <summary>A <c>google.api.HttpBody</c> is the body itself, with its own content type.</summary>
[Collection(ProbeEntity.EntityType)]
public sealed class HttpBodyTests : IAsyncLifetime
{
    private TestService _service = null!;

    public async ValueTask InitializeAsync() => _service = await ProbeEntity.StartServiceAsync();

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    [Theory]
    [InlineData("image/png", new byte[] { 0, 1, 10, 13, 255 })]
    [InlineData("text/html; charset=iso-8859-1", new byte[] { 60, 233, 62 })]
    [InlineData("application/json", new byte[] { 123 })]
    [InlineData("application/octet-stream", new byte[0])]
    public async Task Body_ComesBackAsItWas(string contentType, byte[] bytes)
    {
        foreach (var http in new[] { _service.Http1, _service.Http2 })
        {
            var sent = new ByteArrayContent(bytes) { Headers = { ContentType = MediaTypeHeaderValue.Parse(contentType) } };
            using var response = await http.PostAsync("/probes/a/mirror", sent);

            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal(contentType, response.Content.Headers.ContentType?.ToString());
            Assert.Equal(bytes, await response.Content.ReadAsByteArrayAsync());
        }
    }

    [Fact]
    public async Task LargeBody_ComesBack()
    {
        var bytes = new byte[3_000_000];
        Random.Shared.NextBytes(bytes);

        using var response = await _service.Http1.PostAsync("/probes/a/mirror", new ByteArrayContent(bytes));

        Assert.Equal(bytes, await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Get_IsTheBodyOfTheReply()
    {
        using var response = await _service.Http1.GetAsync("/probes/a/mirror");

        Assert.Equal("text/plain", response.Content.Headers.ContentType?.ToString());
        Assert.Equal("nothing", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task AtTheRpcPath_ReplyIsTheBody()
    {
        using var response = await _service.Http1.PostAsync(
            "/cloudstate.tests.probe.Probe/MirrorBare", RpcPathTests.Json("""{"id":"a","content":{"contentType":"text/css","data":"YTpi"}}"""));

        Assert.Equal("text/css", response.Content.Headers.ContentType?.ToString());
        Assert.Equal("a:b", await response.Content.ReadAsStringAsync());
    }
}
