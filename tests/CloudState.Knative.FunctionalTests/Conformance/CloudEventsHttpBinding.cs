using System.Text;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>The rules of CloudEvents 1.0.2 and of its HTTP protocol binding for receivers in binary mode, a row each. The other modes: <see cref="CloudEventsJsonFormat"/>.</summary>
public sealed class CloudEventsHttpBinding : CloudEventsConformance
{
    [Theory]
    [InlineData("id, any non-empty string", "ce-id: a b/ä", "id", "a b/ä")]
    [InlineData("source, a path", "ce-source: /a/b", "source", "/a/b")]
    [InlineData("source, a URI", "ce-source: https://example.com/a?b=c#d", "source", "https://example.com/a?b=c#d")]
    [InlineData("source, a URN", "ce-source: urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66", "source", "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66")]
    [InlineData("source, a bare word", "ce-source: sensors", "source", "sensors")]
    [InlineData("source, a mail address", "ce-source: mailto:a@example.com", "source", "mailto:a@example.com")]
    [InlineData("subject", "ce-subject: a/b.jpg", "subject", "a/b.jpg")]
    [InlineData("no subject", "ce-subject", "subject", null)]
    [InlineData("dataschema", "ce-dataschema: https://example.com/s.json", "dataschema", "https://example.com/s.json")]
    [InlineData("time in UTC", "ce-time: 2026-01-02T03:04:05Z", "time", "2026-01-02T03:04:05Z")]
    [InlineData("time with an offset", "ce-time: 2026-01-02T03:04:05+02:00", "time", "2026-01-02T03:04:05+02:00")]
    [InlineData("time with a negative offset", "ce-time: 2026-01-02T03:04:05-09:30", "time", "2026-01-02T03:04:05-09:30")]
    [InlineData("time with a fraction", "ce-time: 2026-01-02T03:04:05.123456Z", "time", "2026-01-02T03:04:05.123456Z")]
    [InlineData("time with nanoseconds", "ce-time: 2026-01-02T03:04:05.123456789Z", "time", "2026-01-02T03:04:05.1234567Z")]
    [InlineData("no time", "ce-time", "time", null)]
    [InlineData("extension", "ce-extra: x", "extra", "x")]
    [InlineData("extension of digits", "ce-123: x", "123", "x")]
    [InlineData("extension with a name of 20 letters", "ce-abcdefghijklmnopqrst: x", "abcdefghijklmnopqrst", "x")]
    [InlineData("extension with a longer name", "ce-knativekafkapartition: 3", "knativekafkapartition", "3")]
    [InlineData("empty extension", "ce-extra:", "extra", "")]
    [InlineData("Boolean and integer are text in headers", "ce-extra: true", "extra", "true")]
    [InlineData("header name in upper case", "CE-EXTRA: x", "extra", "x")]
    [InlineData("required header name in mixed case", "Ce-Id: x", "id", "x")]
    [InlineData("header value with spaces around", "ce-extra:   x  ", "extra", "x")]
    [InlineData("percent-encoded space", "ce-extra: a%20b", "extra", "a b")]
    [InlineData("percent-encoded double quote", "ce-extra: a%22b", "extra", "a\"b")]
    [InlineData("percent-encoded percent", "ce-extra: a%25b", "extra", "a%b")]
    [InlineData("decoding happens once", "ce-extra: %2541", "extra", "%41")]
    [InlineData("percent-encoded letter that needed none", "ce-extra: %41", "extra", "A")]
    [InlineData("hexadecimal digits in lower case", "ce-extra: %e2%82%ac", "extra", "€")]
    [InlineData("hexadecimal digits in upper case", "ce-extra: Euro%20%E2%82%AC%20%F0%9F%98%80", "extra", "Euro € 😀")]
    [InlineData("bare space", "ce-extra: a b", "extra", "a b")]
    [InlineData("bare UTF-8", "ce-extra: €", "extra", "€")]
    [InlineData("plus is no space", "ce-extra: a+b", "extra", "a+b")]
    [InlineData("double-quoted value (3.1.3.2)", "ce-extra: \"a b\"", "extra", "a b")]
    [InlineData("double-quoted value with escapes", "ce-extra: \"a\\\"b\\\\c\"", "extra", "a\"b\\c")]
    [InlineData("double-quoted and percent-encoded", "ce-extra: \"a%20b\"", "extra", "a b")]
    [InlineData("percent without digits stands for itself", "ce-extra: 100%%20%E2%82%AC", "extra", "100% €")]
    [InlineData("percent with one digit stands for itself", "ce-extra: %4", "extra", "%4")]
    [InlineData("percent with other letters stands for itself", "ce-extra: %zz", "extra", "%zz")]
    [InlineData("specversion", "ce-specversion: 1.0", "specversion", "1.0")]
    [InlineData("ce-datacontenttype is no header of the binding", "ce-datacontenttype: text/xml", "datacontenttype", null)]
    public async Task Binary_AttributeIsRead(string rule, string header, string attribute, string? seen)
    {
        var (answer, received) = await PostAsync(Binary(header));

        Assert.Equal((rule, 204, "", ""), (rule, answer.Status, answer.Detail, answer.Body));
        Assert.Equal(seen, Assert.Single(received).Event[attribute]);
    }

    [Theory]
    [InlineData("JSON object", "application/json", """{"a":1}""", """json.cloudstate.io/test {"a":1}""")]
    [InlineData("JSON array", "application/json", "[1]", "json.cloudstate.io/test [1]")]
    [InlineData("JSON with a charset", "application/json; charset=utf-8", "\"€\"", "json.cloudstate.io/test \"€\"")]
    [InlineData("JSON with a quoted charset in upper case", "application/json; charset=\"UTF-8\"", "1", "json.cloudstate.io/test 1")]
    [InlineData("media type in upper case", "Application/JSON", "1", "json.cloudstate.io/test 1")]
    [InlineData("media type with the suffix +json", "application/vnd.test+json", "1", "json.cloudstate.io/test 1")]
    [InlineData("no content type", null, "1", "json.cloudstate.io/test 1")]
    [InlineData("text", "text/plain", "a", "p.cloudstate.io/string a")]
    [InlineData("XML", "application/xml", "<a/>", "p.cloudstate.io/bytes <a/>")]
    [InlineData("bytes", "application/octet-stream", "a", "p.cloudstate.io/bytes a")]
    [InlineData("empty body", "application/json", "", "json.cloudstate.io/test ")]
    [InlineData("no body", "application/json", null, "json.cloudstate.io/test ")]
    [InlineData("no body and no content type", null, null, "json.cloudstate.io/test ")]
    public async Task Binary_DataIsTheBody(string rule, string? contentType, string? body, string data)
    {
        var (answer, received) = await PostAsync(Binary("ce-type: test", contentType is null ? "Content-Type" : $"Content-Type: {contentType}"), body is null ? null : Encoding.UTF8.GetBytes(body));

        Assert.Equal((rule, 204, "", ""), (rule, answer.Status, answer.Detail, answer.Body));
        var (seen, seenData) = Assert.Single(received);
        Assert.Equal((data, contentType?.Replace("\"", "", StringComparison.Ordinal)), (seenData, seen.DataContentType));
    }

    [Theory]
    [InlineData("utf-16")]
    [InlineData("iso-8859-1")]
    public async Task Binary_CharsetOfTheContentTypeCounts(string charset)
    {
        var (answer, received) = await PostAsync(Binary($"Content-Type: application/json; charset={charset}"), Encoding.GetEncoding(charset).GetBytes("""{"sensor":"s1","text":"é","number":1}"""));

        Assert.Equal((204, ""), (answer.Status, answer.Detail));
        Assert.Equal("s1 é 1", Assert.Single(received).Data);
    }

    [Theory]
    [InlineData("no specversion", "ce-specversion", 400, "This is no CloudEvent: the header ce-specversion is missing.")]
    [InlineData("specversion 0.3", "ce-specversion: 0.3", 400, "The CloudEvents version '0.3' is not supported.")]
    [InlineData("specversion 1", "ce-specversion: 1", 400, "The CloudEvents version '1' is not supported.")]
    [InlineData("empty specversion", "ce-specversion:", 400, "The CloudEvents version '' is not supported.")]
    [InlineData("no id", "ce-id", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("empty id", "ce-id:", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("no source", "ce-source", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("empty source", "ce-source:", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("source that is no URI reference", "ce-source: http://[", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("no type", "ce-type", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("empty type", "ce-type:", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("empty subject", "ce-subject:", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("dataschema that is no absolute URI", "ce-dataschema: s.json", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("empty dataschema", "ce-dataschema:", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("time that is none", "ce-time: yesterday", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("time without an offset", "ce-time: 2026-01-02T03:04:05", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("time without a time", "ce-time: 2026-01-02", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("time on no day", "ce-time: 2026-02-30T03:04:05Z", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("time in lower case, a deviation from RFC 3339", "ce-time: 2026-01-02t03:04:05z", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("time in a leap second, a deviation from RFC 3339", "ce-time: 2016-12-31T23:59:60Z", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("empty time", "ce-time:", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("percent-encoded bytes that are no UTF-8", "ce-extra: a%FFb", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("percent-encoded bytes that are an overlong form", "ce-extra: %C0%A0", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("percent-encoded control character", "ce-extra: a%0Ab", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("attribute name with a hyphen", "ce-foo-bar: x", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("attribute name with an underscore", "ce-foo_bar: x", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("attribute without a name", "ce-: x", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("attribute named data", "ce-data: x", 400, "The request holds no valid CloudEvent: ")]
    [InlineData("Content-Type that is no media type", "Content-Type: json", 415, "The Content-Type header is not a media type.")]
    [InlineData("charset that nobody knows", "Content-Type: application/json; charset=klingon", 415, "The charset 'klingon' is not known. Send utf-8.")]
    [InlineData("data of an unknown type", "Content-Type: text/xml", 415, "The data of event '1' is text/xml.")]
    [InlineData("format that is not supported", "Content-Type: application/cloudevents+avro", 415, "The content type application/cloudevents+avro is not supported.")]
    [InlineData("format that is not named", "Content-Type: application/cloudevents", 415, "The content type application/cloudevents is not supported.")]
    [InlineData("batch format that is not supported", "Content-Type: application/cloudevents-batch+xml", 415, "The content type application/cloudevents-batch+xml is not supported.")]
    public async Task Binary_IsRefused(string rule, string header, int status, string detail)
    {
        var (answer, received) = await PostAsync(Binary(header));

        Assert.Equal((rule, status), (rule, answer.Status));
        Assert.StartsWith(detail, answer.Detail, StringComparison.Ordinal);
        Assert.Empty(received);
    }

    [Theory]
    [InlineData("ce-id")]
    [InlineData("ce-extra")]
    public async Task Binary_HeaderThatOccursTwice_IsRefused(string header)
    {
        var (answer, received) = await PostAsync([.. Binary($"{header}: a"), $"{header}: b"]);

        Assert.Equal((400, $"The header {header} occurs 2 times. Send it once."), (answer.Status, answer.Detail));
        Assert.Empty(received);
    }

    [Theory]
    [InlineData("same source and id: the same event", "ce-id: 1", "ce-time: 2026-01-02T03:04:05Z", new[] { "s1  1" })]
    [InlineData("same id of another source: another event", "ce-id: 1", "ce-source: /other", new[] { "s1  1", "s1  2" })]
    [InlineData("another id: another event", "ce-id: 1", "ce-id: 2", new[] { "s1  1", "s1  2" })]
    [InlineData("ids heed case", "ce-id: a", "ce-id: A", new[] { "s1  1", "s1  2" })]
    [InlineData("encoded and bare are the same id", "ce-id: a%20b", "ce-id: a b", new[] { "s1  1" })]
    public async Task Binary_TwoEvents(string rule, string first, string second, string[] taken)
    {
        await PostAsync(Binary(first));
        var (answer, received) = await PostAsync(Binary(second));

        Assert.Equal((rule, 204), (rule, answer.Status));
        Assert.Equal(taken, received.Select(each => each.Data));
    }

    /// <summary>The request in which a web hook's sender asks whether it may deliver (HTTP 1.1 Web Hooks, 4.1). A receiver that does not take part in this answers 405.</summary>
    [Fact]
    public async Task WebHookValidation_IsNotSupported()
    {
        var (answer, received) = await SendAsync("OPTIONS", ["WebHook-Request-Origin: example.com"], null);

        Assert.Equal((405, ""), (answer.Status, answer.Body));
        Assert.Matches("\r\nAllow: [A-Z, ]*POST", answer.Text);
        Assert.DoesNotContain("WebHook-Allowed", answer.Text, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(received);
    }

    [Fact]
    public async Task WebHookDelivery_IsAnsweredWithoutABody()
    {
        var (answer, received) = await PostAsync(Binary("WebHook-Request-Origin: example.com", "Origin: example.com", "Authorization: Bearer x"));

        Assert.Equal((204, ""), (answer.Status, answer.Body));
        Assert.DoesNotContain("\r\nce-", answer.Text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("\r\nContent-Type:", answer.Text, StringComparison.OrdinalIgnoreCase);
        Assert.Single(received);
    }
}
