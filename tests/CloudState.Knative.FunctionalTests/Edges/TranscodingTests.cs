using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Probes;
using Google.Protobuf;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Edges;

/// <summary>Every kind of protobuf field, from REST to the entity and back.</summary>
[Collection(ProbeEntity.EntityType)]
public sealed class TranscodingTests : IAsyncLifetime
{
    private TestService _service = null!;

    public async ValueTask InitializeAsync() => _service = await ProbeEntity.StartServiceAsync();

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    [Fact]
    public async Task Body_ComesBackEqual()
    {
        (string Sent, string Answered)[] fields =
        [
            Same("""{"doubleValue":1.5}"""),
            Same("""{"doubleValue":"NaN"}"""),
            Same("""{"doubleValue":"-Infinity"}"""),
            Same("""{"floatValue":-0.25}"""),
            Same("""{"int32Value":-2147483648}"""),
            Same("""{"int64Value":"9223372036854775807"}"""),
            ("""{"int64Value":-9223372036854775808}""", """{"int64Value":"-9223372036854775808"}"""),
            Same("""{"uint32Value":4294967295}"""),
            Same("""{"uint64Value":"18446744073709551615"}"""),
            ("""{"uint64Value":18446744073709551615}""", """{"uint64Value":"18446744073709551615"}"""),
            Same("""{"sint32Value":-1}"""),
            Same("""{"sint64Value":"-9223372036854775808"}"""),
            Same("""{"fixed32Value":4294967295}"""),
            Same("""{"fixed64Value":"18446744073709551615"}"""),
            Same("""{"sfixed32Value":-2147483648}"""),
            Same("""{"sfixed64Value":"-9223372036854775808"}"""),
            Same("""{"boolValue":true}"""),
            Same("""{"stringValue":"é 日本 😀 \"quoted\" \\"}"""),
            Same("""{"bytesValue":"AAH/"}"""),
            Same("""{"color":"COLOR_RED"}"""),
            ("""{"color":1}""", """{"color":"COLOR_RED"}"""),
            Same("""{"part":{"text":"a","part":{"text":"b"}}}"""),
            Same("""{"optionalValue":0}"""),
            Same("""{"chosenText":""}"""),
            Same("""{"chosenPart":{"text":"a"}}"""),
            Same("""{"numbers":[1,0,-1]}"""),
            Same("""{"texts":["a","","b"]}"""),
            Same("""{"colors":["COLOR_RED","COLOR_UNSPECIFIED"]}"""),
            Same("""{"parts":[{"text":"a"},{"text":""}]}"""),
            Same("""{"amounts":{"a":1,"b":0}}"""),
            Same("""{"partsByNumber":{"-7":{"text":"a"}}}"""),
            Same("""{"colorsByFlag":{"true":"COLOR_RED"}}"""),
            Same("""{"timestamp":"2026-01-02T03:04:05.006Z"}"""),
            ("""{"timestamp":"2026-01-02T05:04:05+02:00"}""", """{"timestamp":"2026-01-02T03:04:05Z"}"""),
            // ASP.NET Core takes no negative duration with a fraction.
            Same("""{"duration":"1.500s"}"""),
            Same("""{"duration":"-1s"}"""),
            Same("""{"struct":{"text":"a","number":1.5,"flag":true,"nothing":null,"list":[1,"b"],"inner":{"c":2}}}"""),
            Same("""{"value":"text"}"""),
            Same("""{"value":[1,{"a":null}]}"""),
            Same("""{"list":["a",1,false]}"""),
            Same("""{"boolWrapper":false}"""),
            Same("""{"int32Wrapper":0}"""),
            Same("""{"int64Wrapper":"-9223372036854775808"}"""),
            Same("""{"uint64Wrapper":"18446744073709551615"}"""),
            Same("""{"doubleWrapper":0.5}"""),
            Same("""{"stringWrapper":""}"""),
            Same("""{"bytesWrapper":"AQ=="}"""),
        ];

        var wrong = new List<string>();
        foreach (var (sent, answered) in fields)
        {
            var response = await _service.Http1.PostAsync("/probes/a/echo", Json(sent));
            var body = await response.Content.ReadAsStringAsync();
            var (name, expected) = JsonNode.Parse(answered)!.AsObject().Single();
            if (!response.IsSuccessStatusCode || !JsonNode.DeepEquals(expected, JsonNode.Parse(body)![name]))
            {
                wrong.Add($"{sent} was answered {(int)response.StatusCode} {body}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));

        static (string Sent, string Answered) Same(string json) => (json, json);
    }

    [Fact]
    public async Task Reply_IsProtobufJson()
    {
        var body = await _service.Http1.GetStringAsync("/probes/a/echo");

        Assert.Equal(new Everything { Id = "a" }, JsonParser.Default.Parse<Everything>(body));
    }

    [Fact]
    public async Task Query_SetsFields()
    {
        var body = await _service.Http1.GetStringAsync(
            "/probes/a/echo?doubleValue=1.5&int32_value=-5&uint64Value=7&boolValue=true&stringValue=a%20%26%20b&bytesValue=AAH%2F"
            + "&color=COLOR_RED&part.part.text=deep&optionalValue=0&numbers=1&numbers=2&colors=COLOR_RED&timestamp=2026-01-02T03:04:05Z&duration=1.5s&int32Wrapper=0");

        Assert.Equal(
            new Everything
            {
                Id = "a",
                DoubleValue = 1.5,
                Int32Value = -5,
                Uint64Value = 7,
                BoolValue = true,
                StringValue = "a & b",
                BytesValue = ByteString.CopyFrom(0, 1, 255),
                Color = Color.Red,
                Part = new Part { Part_ = new Part { Text = "deep" } },
                OptionalValue = 0,
                Numbers = { 1, 2 },
                Colors = { Color.Red },
                Timestamp = new() { Seconds = 1767323045 },
                Duration = new() { Seconds = 1, Nanos = 500_000_000 },
                Int32Wrapper = 0,
            },
            JsonParser.Default.Parse<Everything>(body));
    }

    [Theory]
    [InlineData("""{"int32Value":2147483648}""")]
    [InlineData("""{"uint32Value":-1}""")]
    [InlineData("""{"boolValue":"yes"}""")]
    [InlineData("""{"bytesValue":"*"}""")]
    [InlineData("""{"color":"COLOR_OF_NO_KIND"}""")]
    [InlineData("""{"numbers":{}}""")]
    [InlineData("""{"numbers":[null]}""")]
    [InlineData("""{"amounts":[]}""")]
    [InlineData("""{"partsByNumber":{"x":{}}}""")]
    [InlineData("""{"timestamp":"yesterday"}""")]
    [InlineData("""{"duration":"1"}""")]
    [InlineData("""{"int32Wrapper":"x"}""")]
    [InlineData("""{"struct":[]}""")]
    public async Task ValueOfWrongKind_IsBadRequest(string sent)
    {
        var response = await _service.Http1.PostAsync("/probes/a/echo", Json(sent));

        Assert.True(response.StatusCode == HttpStatusCode.BadRequest, $"{response.StatusCode} {await response.Content.ReadAsStringAsync()}");
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");
}
