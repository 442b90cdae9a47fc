using System.Net;
using System.Net.Http.Headers;
using System.Text;
using CloudState.Knative.FunctionalTests.Hosting;
using Google.Protobuf;
using ShoppingCart.Api;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Edges;

/// <summary>Events for an entity. What CloudEvents says of receivers: <see cref="Conformance.CloudEventsHttpBinding"/> and <see cref="Conformance.CloudEventsJsonFormat"/>.</summary>
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
        await AssertDoneAsync(await _service.Http1.SendAsync(Binary(path, Apple)));

        Assert.Equal(2, await QuantityAsync());
    }

    [Fact]
    public async Task BinaryProtobuf_IsTaken()
    {
        var data = new ByteArrayContent(new AddLineItem { UserId = "alice", ProductId = "p1", Name = "Apple", Quantity = 3 }.ToByteArray());
        data.Headers.ContentType = new MediaTypeHeaderValue("application/protobuf");

        await AssertDoneAsync(await _service.Http1.SendAsync(Binary("/", data)));

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

    [Theory]
    [InlineData("application/json", "{")]
    [InlineData("application/json", """{"quantity":"many"}""")]
    [InlineData("application/json", """{"productId":"p1","quantity":-1}""")]
    [InlineData("application/protobuf", "no protobuf")]
    public async Task DataThatCanNeverWork_IsBadRequest(string contentType, string data) =>
        await AssertRefusedAsync(await _service.Http1.SendAsync(Binary("/", new StringContent(data, new MediaTypeHeaderValue(contentType)))), 400);

    [Fact]
    public async Task UnknownType_IsRefused()
    {
        var request = Binary("/", Apple);
        request.Headers.Remove("ce-type");
        request.Headers.Add("ce-type", "com.example.Unknown");

        await AssertRefusedAsync(await _service.Http1.SendAsync(request), 400);
    }

    private static HttpRequestMessage Binary(string path, string json) => Binary(path, new StringContent(json, Encoding.UTF8, "application/json"));

    private static HttpRequestMessage Binary(string path, HttpContent data) => new(HttpMethod.Post, path)
    {
        Headers = { { "ce-specversion", "1.0" }, { "ce-id", "1" }, { "ce-source", "/test" }, { "ce-type", AddType }, { "ce-subject", "alice" } },
        Content = data,
    };

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
