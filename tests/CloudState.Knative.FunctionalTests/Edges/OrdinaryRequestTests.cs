using System.Text;
using CloudState.Knative.FunctionalTests.Hosting;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Edges;

/// <summary>Requests that take the quick way are answered as JSON transcoding answers them, byte by byte.</summary>
[Collection(ProbeEntity.EntityType)]
public sealed class OrdinaryRequestTests : IAsyncLifetime
{
    private TestService _quick = null!;
    private TestService _transcoding = null!;

    public static TheoryData<string> Bodies => [.. new[]
    {
        """{}""",
        """ { "int32Value" : 1 } """,
        """{"failure":"\"<é>&'+ 😀"}""",
        """{"textValue":"not this one"}""",
        """{"id":"nor this"}""",
        """{"renamed":"a"}""",
        """{"other":"a"}""",
        """{"int32_value":1}""",
        """{"INT32VALUE":1}""",
        """{"unknown":{"a":[1,2,{"b":null}]},"int32Value":1}""",
        """{"int32Value":1,"int32Value":2}""",
        """{"part":{"text":"a"},"part":{"part":{}}}""",
        """{"int32Value":null}""",
        """{"part":null}""",
        """{"numbers":null}""",
        """{"numbers":[null]}""",
        """{"parts":[null]}""",
        """{"numbers":[]}""",
        """{"numbers":[0,-1,2147483647]}""",
        """{"numbers":[1,"2",3.0,4e0]}""",
        """{"numbers":{"a":1}}""",
        """{"signedNumbers":["0","-1","9223372036854775807"]}""",
        """{"fractions":[0,-0.0,1e300,0.1]}""",
        """{"texts":["","é","\u0000","\ud83d\ude00","a\nb"]}""",
        """{"texts":["\ud83d"]}""",
        """{"colors":["COLOR_RED","COLOR_UNSPECIFIED"]}""",
        """{"colors":["COLOR_BLUE"]}""",
        """{"color":1}""",
        """{"color":17}""",
        """{"color":"1"}""",
        """{"parts":[{},{"text":"a","part":{"text":"b","part":{"text":"c"}}}]}""",
        """{"doubleValue":1}""",
        """{"doubleValue":"1.5"}""",
        """{"doubleValue":"NaN","floatValue":"-Infinity"}""",
        """{"doubleValue":1e400}""",
        """{"floatValue":3.4028235e38}""",
        """{"floatValue":0.1}""",
        """{"floatValue":1e39}""",
        """{"doubleValue":5e-324,"floatValue":1e-45}""",
        """{"int32Value":-2147483648,"uint32Value":4294967295,"sint32Value":-2147483648,"fixed32Value":4294967295,"sfixed32Value":-2147483648}""",
        """{"int32Value":2147483648}""",
        """{"int32Value":1.0}""",
        """{"int32Value":1.5}""",
        """{"int32Value":1e2}""",
        """{"int32Value":"1"}""",
        """{"uint32Value":-1}""",
        """{"int64Value":"-9223372036854775808","uint64Value":"18446744073709551615","sint64Value":"-9223372036854775808"}""",
        """{"fixed64Value":"18446744073709551615","sfixed64Value":"-9223372036854775808"}""",
        """{"int64Value":1}""",
        """{"int64Value":"1.5"}""",
        """{"int64Value":"01"}""",
        """{"int64Value":"+1"}""",
        """{"int64Value":" 1"}""",
        """{"int64Value":"-0"}""",
        """{"int64Value":""}""",
        """{"int64Value":"9223372036854775808"}""",
        """{"boolValue":true}""",
        """{"boolValue":"true"}""",
        """{"boolValue":1}""",
        """{"bytesValue":"AAH/"}""",
        """{"bytesValue":"AAH_"}""",
        """{"bytesValue":"AA"}""",
        """{"bytesValue":""}""",
        """{"optionalValue":0}""",
        """{"chosenText":""}""",
        """{"chosenText":"a","chosenPart":{}}""",
        """{"chosenPart":{"text":"a"}}""",
        """{"text\u0056alue":"escaped name"}""",
        """[]""",
        """null""",
        """1""",
        """{"int32Value":1""",
        """{"int32Value":1}}""",
        """{"int32Value":1,}""",
        """{"int32Value":1} // comment""",
        """{int32Value:1}""",
        "",
        "\ufeff{}",
    }];

    public async ValueTask InitializeAsync()
    {
        _quick = await ProbeEntity.StartServiceAsync();
        _transcoding = await TestService.StartAsync(more: cloudState =>
        {
            cloudState.AddEntity<ProbeEntity>();

            // With an interceptor of the user's everything goes through gRPC's pipeline.
            cloudState.Services.AddGrpc(grpc => grpc.Interceptors.Add<IdleInterceptor>());
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _quick.DisposeAsync();
        await _transcoding.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task Body_IsAnsweredAsByTranscoding(string body)
    {
        await CompareAsync(() => Post("/probes/a/plain/b", Encoding.UTF8.GetBytes(body)));
        await CompareAsync(() => Post("/probes/a/plain/b", Encoding.UTF8.GetBytes(body)), overHttp2: true);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("a%20b")]
    [InlineData("a+b")]
    [InlineData("a%2Fb")]
    [InlineData("%25")]
    [InlineData("%C3%A9")]
    [InlineData("%FF")]
    [InlineData("a.b")]
    [InlineData("a%00b")]
    [InlineData("日本")]
    public async Task KeyInPath_IsAnsweredAsByTranscoding(string key)
    {
        await CompareAsync(() => new HttpRequestMessage(HttpMethod.Get, $"/probes/{key}/plain"));
        await CompareAsync(() => Post($"/probes/{key}/plain/{key}", "{}"u8.ToArray()));
    }

    [Theory]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("application/json;charset=unknown")]
    [InlineData("application/vnd.a+json")]
    [InlineData("APPLICATION/JSON")]
    [InlineData("text/plain")]
    public async Task ContentType_IsAnsweredAsByTranscoding(string contentType)
    {
        // ASP.NET Core logs an error for an unknown charset.
        _quick.ExpectErrors();
        _transcoding.ExpectErrors();
        await CompareAsync(() => Post("/probes/a/plain/b", "{}"u8.ToArray(), contentType));
        await CompareAsync(() =>
        {
            var request = Post("/probes/a/plain", [], contentType);
            request.Method = HttpMethod.Get;
            return request;
        });
    }

    [Fact]
    public async Task OtherRequests_AreAnsweredAsByTranscoding()
    {
        await CompareAsync(() => new HttpRequestMessage(HttpMethod.Get, "/probes/a/plain?int32Value=5&texts=a&texts=b"));
        await CompareAsync(() => Post("/probes/a/plain/b?int32Value=5", "{}"u8.ToArray()));
        await CompareAsync(() => Post("/probes/a/plain/b", [0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]));
        await CompareAsync(() => Post("/probes/a/plain/b", [.. "{\"failure\":\""u8, 0xff, .. "\"}"u8]));
        await CompareAsync(() => Post("/probes/a/plain/b", Encoding.UTF8.GetBytes($$"""{"texts":["{{new string('x', 100_000)}}"]}""")));
        await CompareAsync(() =>
        {
            var request = Post("/probes/a/plain/b", "{}"u8.ToArray());
            request.Headers.TransferEncodingChunked = true;
            return request;
        });
        foreach (var commandId in (string[])[new('x', 257), "a"])
        {
            await CompareAsync(() =>
            {
                var request = Post("/probes/a/plain/b", "{}"u8.ToArray());
                request.Headers.Add("Idempotency-Key", commandId);
                return request;
            });
        }
    }

    private async Task CompareAsync(Func<HttpRequestMessage> request, bool overHttp2 = false)
    {
        var quick = await AnswerAsync(overHttp2 ? _quick.Http2 : _quick.Http1, request());
        var transcoding = await AnswerAsync(overHttp2 ? _transcoding.Http2 : _transcoding.Http1, request());

        Assert.Equal(transcoding, quick);
    }

    private static async Task<string> AnswerAsync(HttpClient client, HttpRequestMessage request)
    {
        using var response = await client.SendAsync(request);
        return $"{(int)response.StatusCode} {response.Content.Headers.ContentType} {await response.Content.ReadAsStringAsync()}";
    }

    private static HttpRequestMessage Post(string path, byte[] body, string contentType = "application/json")
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        return request;
    }

    private sealed class IdleInterceptor : Interceptor;
}
