using System.Net;
using System.Net.Http.Headers;
using System.Text;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Probes;
using Grpc.Core;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Edges;

/// <summary>A handler sees the attributes of its CloudEvent, in whichever mode it came.</summary>
[Collection(ProbeEntity.EntityType)]
public sealed class CloudEventMetadataTests : IAsyncLifetime
{
    private static readonly string[] Attributes =
    [
        "ce-dataschema: https://example.com/schema", "ce-id: 1%20%25", "ce-partitionkey: %C3%A9%20%F0%9F%8D%8E", "ce-source: /tests?a=b", "ce-specversion: 1.0",
        "ce-subject: a/b", "ce-time: 2026-01-02T03:04:05.006Z", "ce-type: cloudstate.tests.probe.LookAround", "content-type: application/json",
    ];

    private const string Structured =
        """
        {
          "specversion": "1.0", "id": "1 %", "source": "/tests?a=b", "type": "cloudstate.tests.probe.LookAround", "subject": "a/b", "time": "2026-01-02T03:04:05.006Z",
          "datacontenttype": "application/json", "dataschema": "https://example.com/schema", "partitionkey": "é 🍎", "data": {}
        }
        """;

    private TestService _service = null!;

    public async ValueTask InitializeAsync() => _service = await ProbeEntity.StartServiceAsync();

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    [Fact]
    public async Task BinaryMode()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = new ByteArrayContent("{}"u8.ToArray()) };
        foreach (var header in Attributes)
        {
            var (name, value) = (header[..header.IndexOf(':', StringComparison.Ordinal)], header[(header.IndexOf(':', StringComparison.Ordinal) + 2)..]);
            _ = name == "content-type" ? request.Content.Headers.TryAddWithoutValidation(name, value) : request.Headers.TryAddWithoutValidation(name, value);
        }

        await SendAsync(request);

        AssertSeen();
    }

    [Fact]
    public async Task StructuredMode()
    {
        await SendAsync(Post("application/cloudevents+json", Structured));

        AssertSeen();
    }

    [Fact]
    public async Task StructuredMode_WithHeadersOfAnotherEvent_SeesItsOwn()
    {
        var request = Post("application/cloudevents+json", Structured);
        request.Headers.Add("CE-Id", "other");
        request.Headers.Add("ce-extra", "other");
        request.Headers.Add("X-Tenant", "t1");

        await SendAsync(request);

        AssertSeen();
        Assert.Equal("t1", ProbeEntity.LookedWith["x-tenant"]);
    }

    [Fact]
    public async Task BatchedMode_EachEventHasItsOwn()
    {
        var first = """{"specversion":"1.0","id":"first","source":"/tests","type":"cloudstate.tests.probe.LookAround","subject":"a/b","only":"here"}""";

        await SendAsync(Post("application/cloudevents-batch+json", $"[{first},{Structured}]"));
        AssertSeen();

        await SendAsync(Post("application/cloudevents-batch+json", $"[{Structured.Replace("1 %", "2", StringComparison.Ordinal)},{first.Replace("first", "last", StringComparison.Ordinal)}]"));
        Assert.Equal(["ce-id: last", "ce-only: here", "ce-source: /tests", "ce-specversion: 1.0", "ce-subject: a/b", "ce-type: cloudstate.tests.probe.LookAround"], Seen());
        Assert.Null(ProbeEntity.LookedWith.CloudEvent!.DataContentType);
    }

    [Fact]
    public async Task MetadataOfAGrpcCall_IsACloudEventToo()
    {
        await new Probe.ProbeClient(_service.Channel).LookAsync(
            new LookAround { Id = "a" }, new Metadata { { "ce-id", "1" }, { "ce-source", "/grpc%zz" }, { "ce-type", "t%C3%A9" }, { "ce-time", "yesterday" } });

        var cloudEvent = ProbeEntity.LookedWith.CloudEvent!;
        Assert.Equal(("1", "/grpc%zz", "té", null, null), (cloudEvent.Id, cloudEvent.Source, cloudEvent.Type, cloudEvent.Time, cloudEvent.Subject));
    }

    [Theory]
    [InlineData("ce-id")]
    [InlineData("ce-source")]
    [InlineData("ce-type")]
    public async Task CallWithoutOneOfIdSourceAndType_IsNoCloudEvent(string missing)
    {
        var metadata = new Metadata();
        foreach (var name in new[] { "ce-id", "ce-source", "ce-type" }.Where(name => name != missing))
        {
            metadata.Add(name, "a");
        }

        await new Probe.ProbeClient(_service.Channel).LookAsync(new LookAround { Id = "a" }, metadata);

        Assert.Null(ProbeEntity.LookedWith.CloudEvent);
        Assert.Null(CallMetadata.Empty.CloudEvent);
    }

    private static void AssertSeen()
    {
        Assert.Equal(Attributes, Seen());
        var cloudEvent = ProbeEntity.LookedWith.CloudEvent!;
        Assert.Equal(("1 %", "/tests?a=b", "cloudstate.tests.probe.LookAround", "a/b"), (cloudEvent.Id, cloudEvent.Source, cloudEvent.Type, cloudEvent.Subject));
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 3, 4, 5, 6, TimeSpan.Zero), cloudEvent.Time);
        Assert.Equal(("application/json", "https://example.com/schema"), (cloudEvent.DataContentType, cloudEvent.DataSchema));
        Assert.Equal(("é 🍎", "1.0", null), (cloudEvent["partitionkey"], cloudEvent["specversion"], cloudEvent["extra"]));
    }

    private static IEnumerable<string> Seen() => ProbeEntity.LookedWith
        .Where(entry => entry.Key.StartsWith("ce-", StringComparison.OrdinalIgnoreCase) || entry.Key.Equals("content-type", StringComparison.OrdinalIgnoreCase))
        .Select(entry => $"{entry.Key.ToLowerInvariant()}: {entry.Value}")
        .Order(StringComparer.Ordinal);

    private static HttpRequestMessage Post(string contentType, string body) => new(HttpMethod.Post, "/cloudevents")
    {
        Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) { Headers = { ContentType = MediaTypeHeaderValue.Parse(contentType) } },
    };

    private async Task SendAsync(HttpRequestMessage request)
    {
        using var response = await _service.Http1.SendAsync(request);
        Assert.True(response.StatusCode == HttpStatusCode.NoContent, $"{response.StatusCode} {await response.Content.ReadAsStringAsync()}");
    }
}
