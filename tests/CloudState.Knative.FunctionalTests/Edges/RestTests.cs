using System.Net;
using System.Text;
using CloudState.Knative.FunctionalTests.Hosting;
using ShoppingCart.Api;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Edges;

public sealed class RestTests : IAsyncLifetime
{
    private TestService _service = null!;

    public async ValueTask InitializeAsync() => _service = await TestService.StartAsync();

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CartLifecycle_OverBothProtocolsOfOnePort(bool http2)
    {
        var http = http2 ? _service.Http2 : _service.Http1;

        Assert.Equal("{}", await PostAsync(http, "/cart/alice/items/add", """{"productId":"p1","name":"Apple","quantity":2}"""));
        await PostAsync(http, "/cart/alice/items/add", """{"product_id":"p1","name":"Apple","quantity":3}""");
        await PostAsync(http, "/cart/alice/items/add", """{"productId":"p2","name":"Pear","quantity":1}""");
        await PostAsync(http, "/cart/alice/items/p2/remove", "");

        Assert.Equal("""{"items":[{"productId":"p1","name":"Apple","quantity":5}]}""", await http.GetStringAsync("/carts/alice"));
        Assert.Equal("""[{"productId":"p1","name":"Apple","quantity":5}]""", await http.GetStringAsync("/carts/alice/items"));
    }

    [Fact]
    public async Task Rejection_IsBadRequestInGoogleForm()
    {
        var response = await _service.Http1.PostAsync("/cart/alice/items/p9/remove", null);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("""{"code":9,"message":"Item p9 is not in the cart.","details":[]}""", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task IdempotencyKey_AppliesOnce()
    {
        for (var i = 0; i < 3; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/cart/bob/items/add")
            {
                Headers = { { "Idempotency-Key", "order-1" } },
                Content = Json("""{"productId":"p1","name":"Apple","quantity":2}"""),
            };
            (await _service.Http1.SendAsync(request)).EnsureSuccessStatusCode();
        }

        Assert.Equal("""{"items":[{"productId":"p1","name":"Apple","quantity":2}]}""", await _service.Http1.GetStringAsync("/carts/bob"));
    }

    [Fact]
    public async Task EscapedSlashInAPath_IsAnotherKeyThanTheSlashOfGrpc()
    {
        (await _service.Http1.PostAsync("/cart/left%2Fright/items/add", Json("""{"productId":"p1","name":"Apple","quantity":2}"""))).EnsureSuccessStatusCode();

        Assert.Single((await _service.Carts.GetCartAsync(new GetShoppingCart { UserId = "left%2Fright" })).Items);
        Assert.Empty((await _service.Carts.GetCartAsync(new GetShoppingCart { UserId = "left/right" })).Items);
    }

    [Theory]
    [InlineData("a%2Fb")]
    [InlineData("..")]
    [InlineData("%2e%2e")]
    [InlineData("a%20b")]
    [InlineData("%F0%9F%8D%8E")]
    [InlineData("a'b\"c")]
    [InlineData("a%00b")]
    public async Task OddKeys_AreKeysOrPreciseErrors(string key)
    {
        var uri = new Uri(_service.Address + $"cart/{key}/items/add", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var response = await _service.Http1.PostAsync(uri, Json("""{"productId":"p1","name":"Apple","quantity":2}"""));

        Assert.InRange((int)response.StatusCode, 200, 499);
    }

    [Theory]
    [InlineData("", "Request")]
    [InlineData("{", "Request")]
    [InlineData("[]", "Request")]
    [InlineData("\"text\"", "Request")]
    [InlineData("null", "")]
    [InlineData("""{"productId":5}""", "Request")]
    [InlineData("""{"quantity":"many"}""", "Request")]
    [InlineData("""{"quantity":1e99}""", "Request")]
    [InlineData("""{"quantity":1.5}""", "Request")]
    [InlineData("""{"productId":"\ud800","quantity":1}""", "")]
    [InlineData("""{"productId":{"a":1}}""", "Request")]
    [InlineData("""{"productId":"p1","quantity":0}""", "must be positive")]
    [InlineData("""{"productId":"p1","quantity":-1}""", "must be positive")]
    [InlineData("""{"quantity":1}""", "needs a product_id")]
    public async Task MalformedBody_IsRefusedAndChangesNothing(string body, string reason)
    {
        var response = await _service.Http1.PostAsync("/cart/carol/items/add", Json(body));

        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.BadRequest, $"{response.StatusCode} {text}");
        Assert.Contains(reason, text, StringComparison.Ordinal);
        Assert.Equal("""{"items":[]}""", await _service.Http1.GetStringAsync("/carts/carol"));
    }

    [Fact]
    public async Task InvalidUtf8_IsRefused()
    {
        var body = new ByteArrayContent([.. "{\"productId\":\""u8, 0xff, 0xfe, .. "\",\"quantity\":1}"u8]) { Headers = { { "Content-Type", "application/json" } } };

        var response = await _service.Http1.PostAsync("/cart/carol/items/add", body);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("""{"items":[]}""", await _service.Http1.GetStringAsync("/carts/carol"));
    }

    [Theory]
    [InlineData("/cart/dora/items/add")]
    [InlineData("/")]
    [InlineData("/cloudevents")]
    public async Task BodyOfTenMegabytes_IsRefused(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(new string('a', 10_000_000), Encoding.UTF8, path.StartsWith("/cart/", StringComparison.Ordinal) ? "application/json" : "application/cloudevents+json"),
        };
        request.Headers.ExpectContinue = true;

        var response = await _service.Http1.SendAsync(request);

        Assert.Contains(response.StatusCode, new[] { HttpStatusCode.BadRequest, HttpStatusCode.RequestEntityTooLarge });
        Assert.Contains("too large", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/carts/%zz")]
    [InlineData("/carts/%")]
    [InlineData("/carts/a%4")]
    public async Task BadPercentEncoding_IsRefused(string path)
    {
        var response = await _service.Http1.GetAsync(new Uri(_service.Address + path[1..], new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    /// <summary>The service would fail the test with the errors it logs; the calls that follow show that it goes on.</summary>
    [Fact]
    public async Task ClientsThatLeave_AreNoErrors()
    {
        for (var i = 0; i < 20; i++)
        {
            using var leave = new CancellationTokenSource();
            var call = _service.Http1.PostAsync("/cart/eve/items/add", Json("""{"productId":"p1","quantity":1}"""), leave.Token);
            await leave.CancelAsync();
            // Now and then the answer is faster.
            await Task.WhenAny(call);
        }

        await PostAsync(_service.Http1, "/cart/eve/items/add", """{"productId":"p2","quantity":1}""");
        Assert.Contains("p2", await _service.Http1.GetStringAsync("/carts/eve"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnknownPath_IsNotFound() => Assert.Equal(HttpStatusCode.NotFound, (await _service.Http1.GetAsync("/unknown")).StatusCode);

    [Fact]
    public async Task Health_IsReported()
    {
        Assert.Equal("Healthy", await _service.Http1.GetStringAsync("/health/liveness"));
        Assert.Equal("Healthy", await _service.Http1.GetStringAsync("/health/readiness"));
    }

    [Theory]
    [InlineData("K-Network-Hash: \u00e9", 400)]
    [InlineData("K-Network-Probe: \u00e9", 200)]
    public async Task KnativeProbeBeyondAscii_IsNoFailureOfTheService(string header, int status) =>
        Assert.Equal(status, (await RawHttp.SendAsync(_service, "GET", "/", ["K-Network-Probe: probe", header], body: null)).Status);

    [Fact]
    public async Task NetworkProbeOfKnative_IsAnsweredWithItsHash()
    {
        using var probe = new HttpRequestMessage(HttpMethod.Get, "/any/path") { Headers = { { "K-Network-Probe", "probe" }, { "K-Network-Hash", "abc" } } };

        var response = await _service.Http1.SendAsync(probe);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(["abc"], response.Headers.GetValues("K-Network-Hash"));
    }

    private static async Task<string> PostAsync(HttpClient http, string path, string json)
    {
        var response = await http.PostAsync(path, Json(json));
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, body);
        return body;
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");
}
