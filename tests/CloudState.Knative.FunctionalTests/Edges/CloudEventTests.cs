using System.Net;
using System.Net.Http.Headers;
using System.Text;
using CloudState.Knative.FunctionalTests.Hosting;
using Google.Protobuf;
using ShoppingCart.Api;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Edges;

public sealed class CloudEventTests : IAsyncLifetime
{
    private const string AddType = "com.example.shoppingcart.AddLineItem";
    private const string Apple = """{"productId":"p1","name":"Apple","quantity":2}""";

    private TestService _service = null!;

    public async ValueTask InitializeAsync() => _service = await TestService.StartAsync();

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    [Theory]
    [InlineData("/")]
    [InlineData("/cloudevents")]
    public async Task BinaryJson_TakesKeyFromSubject(string path)
    {
        await AssertDoneAsync(await _service.Http1.SendAsync(Binary(path, "1", Apple)));

        Assert.Equal(2, await QuantityAsync());
    }

    [Fact]
    public async Task BinaryProtobuf_IsTaken()
    {
        var data = new ByteArrayContent(new AddLineItem { UserId = "alice", ProductId = "p1", Name = "Apple", Quantity = 3 }.ToByteArray());
        data.Headers.ContentType = new MediaTypeHeaderValue("application/protobuf");

        await AssertDoneAsync(await _service.Http1.SendAsync(Binary("/", "1", data)));

        Assert.Equal(3, await QuantityAsync());
    }

    [Fact]
    public async Task Structured_WithMethodAsType_IsTaken()
    {
        await AssertDoneAsync(await PostAsync(
            "application/cloudevents+json; charset=utf-8",
            $$"""{"specversion":"1.0","id":"1","source":"/test","type":"com.example.shoppingcart.ShoppingCart/AddItem","subject":"alice","data":{{Apple}}}"""));

        Assert.Equal(2, await QuantityAsync());
    }

    [Fact]
    public async Task StructuredProtobufInBase64_IsTaken()
    {
        var data = Convert.ToBase64String(new AddLineItem { UserId = "alice", ProductId = "p1", Quantity = 4 }.ToByteArray());

        await AssertDoneAsync(await PostAsync(
            "application/cloudevents+json",
            $$"""{"specversion":"1.0","id":"1","source":"/test","type":"{{AddType}}","datacontenttype":"application/protobuf","data_base64":"{{data}}"}"""));

        Assert.Equal(4, await QuantityAsync());
    }

    [Fact]
    public async Task Batch_AppliesEachEventOnce()
    {
        var batch = $"[{Structured("1", Apple)},{Structured("2", Apple)},{Structured("1", Apple)}]";

        await AssertDoneAsync(await PostAsync("application/cloudevents-batch+json", batch));
        await AssertDoneAsync(await PostAsync("application/cloudevents-batch+json", batch));

        Assert.Equal(4, await QuantityAsync());
    }

    [Fact]
    public async Task Redelivery_InAnotherMode_AppliesOnce()
    {
        await AssertDoneAsync(await _service.Http1.SendAsync(Binary("/", "1", Apple)));
        await AssertDoneAsync(await PostAsync("application/cloudevents+json", Structured("1", Apple)));

        Assert.Equal(2, await QuantityAsync());
    }

    [Theory]
    [InlineData("ce-id", 400)]
    [InlineData("ce-source", 400)]
    [InlineData("ce-type", 400)]
    [InlineData("ce-specversion", 400)]
    public async Task MissingAttribute_IsRefused(string header, int status)
    {
        var request = Binary("/", "1", Apple);
        request.Headers.Remove(header);

        await AssertRefusedAsync(await _service.Http1.SendAsync(request), status);
    }

    [Theory]
    [InlineData("ce-specversion", "9.9")]
    [InlineData("ce-type", "com.example.Unknown")]
    [InlineData("ce-time", "yesterday")]
    [InlineData("ce-foo-bar", "x")]
    [InlineData("ce-source", "%zz%")]
    public async Task InvalidAttribute_IsRefusedOrTolerated_NeverAnError(string header, string value)
    {
        var request = Binary("/", "1", Apple);
        request.Headers.Remove(header);
        request.Headers.TryAddWithoutValidation(header, value);

        Assert.InRange((int)(await _service.Http1.SendAsync(request)).StatusCode, 200, 499);
    }

    [Theory]
    [InlineData("application/cloudevents+json", "{", 400)]
    [InlineData("application/cloudevents+json", "[]", 400)]
    [InlineData("application/cloudevents+json", """{"specversion":"1.0"}""", 400)]
    [InlineData("application/cloudevents+json", """{"specversion":"1.0","id":"","source":"/t","type":"x"}""", 400)]
    [InlineData("application/cloudevents+json", """{"specversion":"1.0","id":1,"source":"/t","type":"x"}""", 400)]
    [InlineData("application/cloudevents-batch+json", "{}", 400)]
    [InlineData("application/cloudevents-batch+json", "[1]", 400)]
    [InlineData("application/cloudevents+xml", "<x/>", 415)]
    [InlineData("application/cloudevents", "x", 415)]
    public async Task MalformedRequest_IsRefused(string contentType, string body, int status) =>
        await AssertRefusedAsync(await PostAsync(contentType, body), status);

    [Theory]
    [InlineData("application/json", "{")]
    [InlineData("application/json", """{"quantity":"many"}""")]
    [InlineData("application/json", """{"productId":"p1","quantity":-1}""")]
    [InlineData("application/protobuf", "no protobuf")]
    public async Task DataThatCanNeverWork_IsBadRequest(string contentType, string data) =>
        await AssertRefusedAsync(await _service.Http1.SendAsync(Binary("/", "1", new StringContent(data, new MediaTypeHeaderValue(contentType)))), 400);

    [Fact]
    public async Task DataOfUnknownType_IsUnsupported() =>
        await AssertRefusedAsync(await _service.Http1.SendAsync(Binary("/", "1", new StringContent("<x/>", new MediaTypeHeaderValue("text/xml")))), 415);

    private static HttpRequestMessage Binary(string path, string id, string json) => Binary(path, id, new StringContent(json, Encoding.UTF8, "application/json"));

    private static HttpRequestMessage Binary(string path, string id, HttpContent data) => new(HttpMethod.Post, path)
    {
        Headers = { { "ce-specversion", "1.0" }, { "ce-id", id }, { "ce-source", "/test" }, { "ce-type", AddType }, { "ce-subject", "alice" } },
        Content = data,
    };

    private static string Structured(string id, string data) =>
        $$"""{"specversion":"1.0","id":"{{id}}","source":"/test","type":"{{AddType}}","subject":"alice","data":{{data}}}""";

    private Task<HttpResponseMessage> PostAsync(string contentType, string body)
    {
        var content = new StringContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        return _service.Http1.PostAsync("/", content);
    }

    private async Task<int> QuantityAsync() =>
        Assert.Single((await _service.Carts.GetCartAsync(new GetShoppingCart { UserId = "alice" })).Items).Quantity;

    private static async Task AssertDoneAsync(HttpResponseMessage response)
    {
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.NoContent, $"{response.StatusCode} {body}");
        Assert.Equal("", body);
    }

    private async Task AssertRefusedAsync(HttpResponseMessage response, int status)
    {
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains("\"detail\":", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Empty((await _service.Carts.GetCartAsync(new GetShoppingCart { UserId = "alice" })).Items);
    }
}
