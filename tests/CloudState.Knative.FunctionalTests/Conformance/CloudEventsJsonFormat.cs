using System.Text;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>The rules of the JSON event format 1.0.2 for receivers, in structured and batched mode of the HTTP protocol binding, a row each.</summary>
public sealed class CloudEventsJsonFormat : CloudEventsConformance
{
    private const string Format = "application/cloudevents+json";
    private const string BatchFormat = "application/cloudevents-batch+json";

    [Theory]
    [InlineData("no parameters", "application/cloudevents+json")]
    [InlineData("charset", "application/cloudevents+json; charset=utf-8")]
    [InlineData("charset in upper case and quotes", "application/cloudevents+json;charset=\"UTF-8\"")]
    [InlineData("upper case", "Application/CloudEvents+JSON")]
    public async Task Structured_ContentType(string rule, string contentType)
    {
        var (answer, received) = await PostAsync(contentType, Structured("""{"data":{"text":"€","number":1}}"""));

        Assert.Equal((rule, 204, "", ""), (rule, answer.Status, answer.Detail, answer.Body));
        Assert.Equal("s1 € 1", Assert.Single(received).Data);
    }

    [Fact]
    public async Task Structured_InUtf16()
    {
        var (answer, received) = await PostAsync([$"Content-Type: {Format}; charset=utf-16"], Encoding.Unicode.GetBytes(Structured("""{"data":{"text":"€"}}""")));

        Assert.Equal((204, ""), (answer.Status, answer.Detail));
        Assert.Equal("s1 € 0", Assert.Single(received).Data);
    }

    [Theory]
    [InlineData("extension that is a string", """{"extra":"€ %20"}""", "extra", "€ %20")]
    [InlineData("extension that is a Boolean", """{"extra":true}""", "extra", "true")]
    [InlineData("extension that is an integer", """{"extra":-7}""", "extra", "-7")]
    [InlineData("extension that is null is none", """{"extra":null}""", "extra", null)]
    [InlineData("extension with a name of more than 20 letters", """{"knativekafkapartition":"3"}""", "knativekafkapartition", "3")]
    [InlineData("optional attribute that is null is none", """{"time":null}""", "time", null)]
    [InlineData("subject", """{"subject":"a b"}""", "subject", "a b")]
    [InlineData("time with an offset", """{"time":"2026-01-02T03:04:05.5+02:00"}""", "time", "2026-01-02T03:04:05.500+02:00")]
    [InlineData("dataschema", """{"dataschema":"urn:schema:1"}""", "dataschema", "urn:schema:1")]
    [InlineData("escaped letters", """{"extra":"\u20ac\ud83d\ude00"}""", "extra", "€😀")]
    public async Task Structured_AttributeIsRead(string rule, string members, string attribute, string? seen)
    {
        var (answer, received) = await PostAsync(Format, Structured(members));

        Assert.Equal((rule, 204, "", ""), (rule, answer.Status, answer.Detail, answer.Body));
        Assert.Equal(seen, Assert.Single(received).Event[attribute]);
    }

    [Theory]
    [InlineData("object", """{"data":{"a":[1,null]}}""", """json.cloudstate.io/test {"a":[1,null]}""", "application/json")]
    [InlineData("array", """{"data":[1,2]}""", "json.cloudstate.io/test [1,2]", "application/json")]
    [InlineData("string", """{"data":"a"}""", "json.cloudstate.io/test \"a\"", "application/json")]
    [InlineData("number", """{"data":1.50}""", "json.cloudstate.io/test 1.50", "application/json")]
    [InlineData("Boolean", """{"data":false}""", "json.cloudstate.io/test false", "application/json")]
    [InlineData("null is no data", """{"data":null}""", "json.cloudstate.io/test ", null)]
    [InlineData("absent", "{}", "json.cloudstate.io/test ", null)]
    [InlineData("absent, with a datacontenttype", """{"datacontenttype":"text/plain"}""", "p.cloudstate.io/string ", "text/plain")]
    [InlineData("string of JSON is a string", """{"data":"{}","datacontenttype":"application/json"}""", "json.cloudstate.io/test \"{}\"", "application/json")]
    [InlineData("value for the suffix +json", """{"data":{"a":1},"datacontenttype":"application/vnd.test+json"}""", """json.cloudstate.io/test {"a":1}""", "application/vnd.test+json")]
    [InlineData("charset of the datacontenttype is not that of a JSON value", """{"data":"€","datacontenttype":"application/json; charset=utf-16"}""", "json.cloudstate.io/test \"€\"", "application/json; charset=utf-16")]
    [InlineData("text in a string", """{"data":"€ \"b\"","datacontenttype":"text/plain"}""", "p.cloudstate.io/string € \"b\"", "text/plain")]
    [InlineData("XML in a string", """{"data":"<a/>","datacontenttype":"application/xml"}""", "p.cloudstate.io/bytes <a/>", "application/xml")]
    [InlineData("bytes in data_base64", """{"data_base64":"YQ==","datacontenttype":"application/octet-stream"}""", "p.cloudstate.io/bytes a", "application/octet-stream")]
    [InlineData("JSON in data_base64", """{"data_base64":"eyJhIjoxfQ==","datacontenttype":"application/json"}""", """json.cloudstate.io/test {"a":1}""", "application/json")]
    [InlineData("text in data_base64, in its charset", """{"data_base64":"6Q==","datacontenttype":"text/plain; charset=iso-8859-1"}""", "p.cloudstate.io/string é", "text/plain; charset=iso-8859-1")]
    [InlineData("protobuf in data_base64", """{"data_base64":"GAE=","datacontenttype":"application/protobuf"}""", "type.googleapis.com/test 1801", "application/protobuf")]
    [InlineData("empty data_base64", """{"data_base64":"","datacontenttype":"application/octet-stream"}""", "p.cloudstate.io/bytes ", "application/octet-stream")]
    [InlineData("data_base64 that is null is no data", """{"data_base64":null}""", "json.cloudstate.io/test ", null)]
    public async Task Structured_Data(string rule, string members, string data, string? contentType)
    {
        var (answer, received) = await PostAsync(Format, Structured(members).Replace(Reading, "test", StringComparison.Ordinal));

        Assert.Equal((rule, 204, "", ""), (rule, answer.Status, answer.Detail, answer.Body));
        var (seen, seenData) = Assert.Single(received);
        Assert.Equal((data, contentType), (seenData, seen.DataContentType));
    }

    [Theory]
    [InlineData("no specversion", "specversion", "{}")]
    [InlineData("specversion 0.3", "", """{"specversion":"0.3"}""")]
    [InlineData("specversion that is a number", "", """{"specversion":1.0}""")]
    [InlineData("no id", "id", "{}")]
    [InlineData("empty id", "", """{"id":""}""")]
    [InlineData("id that is null", "", """{"id":null}""")]
    [InlineData("id that is a number", "", """{"id":1}""")]
    [InlineData("no source", "source", "{}")]
    [InlineData("empty source", "", """{"source":""}""")]
    [InlineData("source that is no URI reference", "", """{"source":"http://["}""")]
    [InlineData("no type", "type", "{}")]
    [InlineData("empty type", "", """{"type":""}""")]
    [InlineData("empty subject", "", """{"subject":""}""")]
    [InlineData("time that is none", "", """{"time":"yesterday"}""")]
    [InlineData("time that is a number", "", """{"time":1767322800}""")]
    [InlineData("dataschema that is no absolute URI", "", """{"dataschema":"s.json"}""")]
    [InlineData("attribute name in upper case", "", """{"Extra":"x"}""")]
    [InlineData("attribute name with an underscore", "", """{"ex_tra":"x"}""")]
    [InlineData("attribute without a name", "", """{"":"x"}""")]
    [InlineData("extension that is an object", "", """{"extra":{}}""")]
    [InlineData("extension that is an array", "", """{"extra":[]}""")]
    [InlineData("text with a control character", "", """{"extra":"a\u0001"}""")]
    [InlineData("text with what is no character", "", """{"extra":"\uffff"}""")]
    [InlineData("data and data_base64", "", """{"data":{},"data_base64":"YQ=="}""")]
    [InlineData("data_base64 that is no base64", "", """{"data_base64":"?"}""")]
    [InlineData("data_base64 that is no string", "", """{"data_base64":1}""")]
    [InlineData("text that is no string", "", """{"data":{},"datacontenttype":"text/plain"}""")]
    [InlineData("datacontenttype that is no media type", "", """{"data":{},"datacontenttype":"json"}""")]
    public async Task Structured_IsRefused(string rule, string without, string members)
    {
        var (answer, received) = await PostAsync(Format, Structured(members, without));

        Assert.Equal((rule, 400), (rule, answer.Status));
        Assert.NotEmpty(answer.Detail);
        Assert.Empty(received);
    }

    [Theory]
    [InlineData("no JSON", "{")]
    [InlineData("empty", "")]
    [InlineData("array", "[]")]
    [InlineData("string", "\"a\"")]
    [InlineData("null", "null")]
    public async Task Structured_ThatIsNoObject_IsRefused(string rule, string body)
    {
        var (answer, received) = await PostAsync(Format, body);

        Assert.Equal((rule, 400), (rule, answer.Status));
        Assert.StartsWith("The request holds no valid CloudEvent: ", answer.Detail, StringComparison.Ordinal);
        Assert.Empty(received);
    }

    [Theory]
    [InlineData("half a surrogate pair in an attribute", """{"extra":"half"}""")]
    [InlineData("half a surrogate pair in data", """{"data":{"text":"half"}}""")]
    public async Task Structured_WithBrokenText_IsRefused(string rule, string members)
    {
        var (answer, received) = await PostAsync(Format, Structured(members).Replace("half", "\\ud800", StringComparison.Ordinal));

        Assert.Equal((rule, 400), (rule, answer.Status));
        Assert.NotEmpty(answer.Detail);
        Assert.Empty(received);
    }

    [Theory]
    [InlineData("charset that nobody knows", "charset=klingon", 'e')]
    [InlineData("bytes that are not of the charset", "charset=utf-8", '\u00e9')]
    public async Task Structured_ThatCannotBeDecoded_IsRefused(string rule, string parameter, char letter)
    {
        var body = Encoding.Latin1.GetBytes(Structured($$$"""{"data":{"text":"{{{letter}}}"}}"""));

        var (answer, received) = await PostAsync([$"Content-Type: {Format}; {parameter}"], body);

        Assert.Equal((rule, 400), (rule, answer.Status));
        Assert.StartsWith("The request holds no valid CloudEvent: ", answer.Detail, StringComparison.Ordinal);
        Assert.Empty(received);
    }

    [Theory]
    [InlineData("none", new string[0], new string[0])]
    [InlineData("one", new[] { "1" }, new[] { "s1  1" })]
    [InlineData("several, in order", new[] { "1", "2", "3" }, new[] { "s1  1", "s1  2", "s1  3" })]
    [InlineData("the same event twice", new[] { "1", "1", "2" }, new[] { "s1  1", "s1  2" })]
    public async Task Batch_EventsAreTaken(string rule, string[] ids, string[] taken)
    {
        var (answer, received) = await PostAsync(BatchFormat, $"[{string.Join(',', ids.Select(Event))}]");

        Assert.Equal((rule, 204, "", ""), (rule, answer.Status, answer.Detail, answer.Body));
        Assert.Equal(taken, received.Select(each => each.Data));
    }

    [Theory]
    [InlineData("one event is invalid", """{"specversion":"1.0"}""")]
    [InlineData("one event has no object", "1")]
    [InlineData("one event is null", "null")]
    public async Task Batch_WithAnInvalidEvent_IsRefusedAsAWhole(string rule, string invalid)
    {
        var (answer, received) = await PostAsync(BatchFormat, $"[{Event("1")},{invalid},{Event("2")}]");

        Assert.Equal((rule, 400), (rule, answer.Status));
        Assert.StartsWith("The request holds no valid CloudEvent: ", answer.Detail, StringComparison.Ordinal);
        Assert.Empty(received);
    }

    [Theory]
    [InlineData("no JSON", "[")]
    [InlineData("empty", "")]
    [InlineData("object", "{}")]
    public async Task Batch_ThatIsNoArray_IsRefused(string rule, string body)
    {
        var (answer, received) = await PostAsync(BatchFormat, body);

        Assert.Equal((rule, 400), (rule, answer.Status));
        Assert.StartsWith("The request holds no valid CloudEvent: ", answer.Detail, StringComparison.Ordinal);
        Assert.Empty(received);
    }

    [Theory]
    [InlineData("binary, then structured")]
    [InlineData("structured, then a batch")]
    public async Task SameEventInAnotherMode_TakesEffectOnce(string rule)
    {
        _ = rule.StartsWith("binary", StringComparison.Ordinal) ? await PostAsync(Binary()) : await PostAsync(Format, Event("1"));
        var (answer, received) = rule.EndsWith("batch", StringComparison.Ordinal) ? await PostAsync(BatchFormat, $"[{Event("1")}]") : await PostAsync(Format, Event("1"));

        Assert.Equal(204, answer.Status);
        Assert.Equal("s1  1", Assert.Single(received).Data);
    }

    private static string Event(string id) => Structured($$$"""{"id":"{{{id}}}","data":{"number":1}}""");
}
