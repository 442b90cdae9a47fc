using System.Net;
using System.Text;
using CloudState.Knative.FunctionalTests.Hosting;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Edges;

/// <summary>Rpcs without an HTTP rule take JSON at <c>/package.Service/Method</c>, and answer as those with one.</summary>
[Collection(ProbeEntity.EntityType)]
public sealed class RpcPathTests : IAsyncLifetime
{
    private const string Service = "/cloudstate.tests.probe.Probe/";

    private TestService _service = null!;

    public async ValueTask InitializeAsync() => _service = await ProbeEntity.StartServiceAsync();

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    [Theory]
    [InlineData("""{"id":"a"}""")]
    [InlineData("""{"id":"a","int64Value":"9007199254740993","uint64Value":5,"doubleValue":1e300,"floatValue":0.1}""")]
    [InlineData("""{"id":"a","doubleValue":1e10,"floatValue":1e10,"value":-1e-7}""")]
    [InlineData("""{"id":"a","doubleValue":"NaN","floatValue":"-Infinity"}""")]
    [InlineData("""{"id":"a","stringValue":"<é>&'+ 😀 \u0000\n\"\\/","bytesValue":"AAH/"}""")]
    [InlineData("""{"id":"a","color":"COLOR_RED","colors":["COLOR_RED","COLOR_UNSPECIFIED"],"part":{"part":{"text":"b"}},"optionalValue":0,"chosenText":""}""")]
    [InlineData("""{"id":"a","amounts":{"é":1,"b":0},"partsByNumber":{"-7":{"text":"a"}},"colorsByFlag":{"true":"COLOR_RED"}}""")]
    [InlineData("""{"id":"a","timestamp":"2026-01-02T05:04:05.006+02:00","duration":"1.500s"}""")]
    [InlineData("""{"id":"a","struct":{"text":"a","number":1.5,"nothing":null,"list":[1,"b"]},"value":[1,{"a":null}],"list":["a",false]}""")]
    [InlineData("""{"id":"a","boolWrapper":false,"int64Wrapper":"-9223372036854775808","stringWrapper":"","bytesWrapper":"AQ=="}""")]
    [InlineData("""{"id":"a","unknown":{"b":[1]},"int32_value":1}""")]
    public async Task AnyMessage_IsAnsweredAsWithRule(string body) => await CompareAsync("/probes/a/echo", "EchoBare", body);

    [Theory]
    [InlineData("""{"id":"a","textValue":"b"}""")]
    [InlineData(""" { "id" : "a" , "textValue":"b", "int64Value":"5","parts":[{},{"text":"é"}],"numbers":[1,2] } """)]
    [InlineData("""{"id":"a","textValue":"b","fractions":[1e300,0.1]}""")]
    [InlineData("""{"id":"a","textValue":"b","failure":"\"<é>&'+ 😀"}""")]
    public async Task PlainMessage_IsAnsweredAsWithRule(string body) => await CompareAsync("/probes/a/plain/b", "EchoPlainBare", body);

    [Fact]
    public async Task ServedOverHttp2() =>
        Assert.Contains("\"id\":\"a\"", await (await _service.Http2.PostAsync(Service + "EchoPlainBare", Json("""{"id":"a"}"""))).Content.ReadAsStringAsync(), StringComparison.Ordinal);

    [Theory]
    [InlineData("EchoBare", "cloudstate.tests.probe.Everything")]
    [InlineData("EchoPlainBare", "cloudstate.tests.probe.Plain")]
    [InlineData("WatchBare", "cloudstate.tests.probe.WatchProbe")]
    public async Task MalformedBody_IsBadRequestThatNamesTheMessage(string method, string message)
    {
        foreach (var body in (string[])["", "{", "[]", "null", "1", """{"id":5}""", """{"id":"a"}}""", """{"id":"\ud800"}""", "\u0001", $$"""{"a":{{new string('[', 200)}}}"""])
        {
            var (status, text) = await AnswerAsync(Service + method, Json(body));

            Assert.True(status == HttpStatusCode.BadRequest, $"{body}: {status} {text}");
            Assert.StartsWith($$"""{"code":3,"message":"The body is no {{message}}: """, text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task InvalidUtf8_IsBadRequest()
    {
        var body = new ByteArrayContent([.. "{\"id\":\""u8, 0xff, .. "\"}"u8]) { Headers = { { "Content-Type", "application/json" } } };

        Assert.Equal(HttpStatusCode.BadRequest, (await AnswerAsync(Service + "EchoBare", body)).Status);
    }

    [Fact]
    public async Task MissingKey_IsBadRequest() =>
        Assert.Contains("Set: id", (await AnswerAsync(Service + "EchoBare", Json("{}"))).Body, StringComparison.Ordinal);

    [Fact]
    public async Task BodyOfTenMegabytes_IsRefused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Service + "EchoBare") { Content = Json(new string('a', 10_000_000)), Headers = { ExpectContinue = true } };

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await _service.Http1.SendAsync(request)).StatusCode);
    }

    [Theory]
    [InlineData("EchoBare", "text/plain")]
    [InlineData("EchoBare", "application/json; charset=utf-16")]
    [InlineData("EchoBare", "application/x-protobuf")]
    [InlineData("Echo", "application/json")]
    public async Task OtherContent_IsLeftToGrpc(string method, string contentType)
    {
        var body = new ByteArrayContent("{}"u8.ToArray());
        body.Headers.TryAddWithoutValidation("Content-Type", contentType);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await AnswerAsync(Service + method, body)).Status);
    }

    [Theory]
    [InlineData("Unknown")]
    [InlineData("")]
    public async Task UnknownMethod_IsNotFound(string method) => Assert.Equal(HttpStatusCode.NotFound, (await AnswerAsync(Service + method, Json("{}"))).Status);

    [Fact]
    public async Task Headers_AreMetadata()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Service + "Look") { Content = Json("""{"id":"a"}"""), Headers = { { "X-Tenant", "t1" } } };

        Assert.Contains("\"X-Tenant\":\"t1\"", await (await _service.Http1.SendAsync(request)).Content.ReadAsStringAsync(), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("EchoBare")]
    [InlineData("WatchBare")]
    public async Task InterceptorOfTheUser_GuardsTheJsonToo(string method)
    {
        await using var service = await TestService.StartAsync(more: cloudState =>
        {
            cloudState.AddEntity<ProbeEntity>();
            cloudState.Services.AddGrpc(grpc => grpc.Interceptors.Add<Guard>("sesame"));
        });

        using var refused = await service.Http1.PostAsync(Service + method, Json("""{"id":"a"}"""));
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Equal("""{"code":16,"message":"Say the word.","details":[]}""", (await refused.Content.ReadAsStringAsync()).TrimEnd());

        using var request = new HttpRequestMessage(HttpMethod.Post, Service + method) { Content = Json("""{"id":"a"}"""), Headers = { { "word", "sesame" } } };
        using var taken = await service.Http1.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
    }

    internal static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private async Task CompareAsync(string path, string method, string body)
    {
        var expected = await AnswerAsync(path, Json(body));

        Assert.NotEqual(HttpStatusCode.NotFound, expected.Status);
        Assert.Equal(expected, await AnswerAsync(Service + method, Json(body)));
    }

    private async Task<(HttpStatusCode Status, string Body)> AnswerAsync(string path, HttpContent content)
    {
        using var response = await _service.Http1.PostAsync(path, content);
        return (response.StatusCode, $"{await response.Content.ReadAsStringAsync()}");
    }

    private sealed class Guard(string word) : Interceptor
    {
        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
            TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
        {
            Check(context);
            return continuation(request, context);
        }

        public override Task ServerStreamingServerHandler<TRequest, TResponse>(
            TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
        {
            Check(context);
            return continuation(request, responseStream, context);
        }

        private void Check(ServerCallContext context)
        {
            if (context.RequestHeaders.GetValue("word") != word)
            {
                throw new RpcException(new Status(StatusCode.Unauthenticated, "Say the word."));
            }
        }
    }
}
