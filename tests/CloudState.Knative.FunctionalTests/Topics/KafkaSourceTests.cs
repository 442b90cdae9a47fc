using System.Text;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Topics.Kafka;
using Google.Protobuf;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Topics;

/// <summary>
/// The requests that the data plane of Knative's KafkaSource makes of records, header by header: binary mode, the key as <c>key</c> and <c>partitionkey</c>, headers as <c>kafkaheader…</c>, and no content type
/// unless the record has one.
/// </summary>
public sealed class KafkaSourceTests
{
    private const string Place = "cloudstate.tests.kafka.PlaceOrder";
    private const string Cancel = "cloudstate.tests.kafka.CancelOrder";
    private const string Json = "content-type: application/json";
    private const string Protobuf = "content-type: application/protobuf";
    private const string Bytes = "content-type: application/octet-stream";

    private static readonly byte[] JsonOrder = Encoding.UTF8.GetBytes("""{"quantity":3}""");
    private static readonly byte[] ProtobufOrder = new PlaceOrder { Quantity = 3 }.ToByteArray();
    private static readonly string[] Keyed = ["ce-partitionkey: a1", "ce-key: a1"];

    private readonly KafkaCalls _calls = new();

    [Theory]
    [InlineData("JSON", "orders", Json, null, "Place a1 3")]
    [InlineData("JSON without a content type", "orders", null, null, "Place a1 3")]
    [InlineData("protobuf", "orders", Protobuf, null, "Place a1 3")]
    [InlineData("protobuf without a content type", "orders", null, "application/protobuf", "Place a1 3")]
    [InlineData("protobuf as bytes", "orders", Bytes, "application/protobuf", "Place a1 3")]
    [InlineData("JSON as bytes", "orders", Bytes, "application/json", "Place a1 3")]
    [InlineData("JSON where protobuf is expected", "orders", Json, "application/protobuf", "Place a1 3")]
    [InlineData("JSON for an action", "audit", Json, null, "Note  3")]
    [InlineData("protobuf as bytes for an action", "audit", Bytes, "application/protobuf", "Note  3")]
    public async Task KeyedRecord_GoesToTheRpcOfTheConfiguredType(string what, string topic, string? contentType, string? incoming, string taken)
    {
        await using var service = await StartAsync(($"{topic}:EventType", Place), ($"{topic}:IncomingContentType", incoming ?? ""));

        var answer = await SendAsync(service, topic, 7, what.StartsWith("JSON", StringComparison.Ordinal) ? JsonOrder : ProtobufOrder, [.. Keyed, .. contentType is null ? Array.Empty<string>() : [contentType]]);

        Assert.Equal((204, "", what), (answer.Status, answer.Body, what));
        Assert.Equal([taken], _calls.All);
    }

    [Fact]
    public async Task Handler_SeesTheRecordAsItCame()
    {
        await using var service = await StartAsync(("orders:EventType", Place));

        await SendAsync(service, "orders", 7, JsonOrder, [.. Keyed, "ce-kafkaheadertenant: t1"]);

        var seen = _calls.LastEvent!;
        Assert.Equal(
            ("partition:0/offset:7", "/apis/v1/namespaces/default/kafkasources/orders#orders-topic", "dev.knative.kafka.event", "partition:0#7", null),
            (seen.Id, seen.Source, seen.Type, seen.Subject, seen.DataContentType));
        Assert.Equal(("a1", "a1", "t1", "0", "7"), (seen["key"], seen["partitionkey"], seen["kafkaheadertenant"], seen["knativekafkapartition"], seen["knativekafkaoffset"]));
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero), seen.Time);
    }

    [Fact]
    public async Task RecordDeliveredAgain_TakesEffectOnce()
    {
        await using var service = await StartAsync(("orders:EventType", Place));

        foreach (var offset in new[] { 7, 7, 8, 7, 8 })
        {
            Assert.Equal(204, (await SendAsync(service, "orders", offset, JsonOrder, Keyed)).Status);
        }

        Assert.Equal(["Place a1 3", "Place a1 6"], _calls.All);
    }

    [Fact]
    public async Task KeyInTheData_ComesBeforeThatOfTheRecord()
    {
        await using var service = await StartAsync(("orders:EventType", Place));
        var order = """{"order":"b2","quantity":3}"""u8.ToArray();

        Assert.Equal(204, (await SendAsync(service, "orders", 7, order, Keyed)).Status);
        Assert.Equal(204, (await SendAsync(service, "orders", 8, order, [])).Status);

        Assert.Equal(["Place b2 3", "Place b2 6"], _calls.All);
    }

    [Theory]
    [InlineData("42")]
    [InlineData("100%")]
    [InlineData("AAECAw==")]
    public async Task KeyOfAnyType_IsTheText(string key)
    {
        await using var service = await StartAsync(("orders:EventType", Place));

        Assert.Equal(204, (await SendAsync(service, "orders", 7, JsonOrder, [$"ce-key: {key}"])).Status);

        Assert.Equal([$"Place {key} 3"], _calls.All);
    }

    [Theory]
    [InlineData("the key of the record", "42", "{}", "Number 42")]
    [InlineData("the data", "42", """{"number":"7"}""", "Number 7")]
    [InlineData("neither, since the key is no number", "a1", "{}", "Number 0")]
    public async Task EntityOfANumber_IsNamedBy(string what, string key, string value, string taken)
    {
        await using var service = await StartAsync(("numbers:EventType", "cloudstate.tests.kafka.NumberOrder"));

        var answer = await SendAsync(service, "numbers", 7, Encoding.UTF8.GetBytes(value), [$"ce-key: {key}"]);

        Assert.Equal((204, "", what), (answer.Status, answer.Detail, what));
        Assert.Equal([taken], _calls.All);
    }

    [Fact]
    public async Task RecordWithoutAnyKey_IsRefused()
    {
        await using var service = await StartAsync(("orders:EventType", Place));

        var answer = await SendAsync(service, "orders", 7, JsonOrder, []);

        Assert.Equal((400, $"The entity key of {Place} is empty. Set: order."), (answer.Status, answer.Detail));
        Assert.Empty(_calls.All);
    }

    [Theory]
    [InlineData("header that names a message", "ce-kafkaheadertype: " + Cancel, Place, "Cancel a1")]
    [InlineData("header that names an rpc", "ce-kafkaheadertype: cloudstate.tests.kafka.Orders/Cancel", Place, "Cancel a1")]
    [InlineData("header and no type for the rest", "ce-kafkaheadertype: " + Cancel, "", "Cancel a1")]
    [InlineData("header that names what no rpc takes", "ce-kafkaheadertype: other.Type", Place, "Place a1 3")]
    [InlineData("empty header", "ce-kafkaheadertype:", Place, "Place a1 3")]
    [InlineData("no header", "ce-kafkaheaderother: " + Cancel, Place, "Place a1 3")]
    [InlineData("record that is a CloudEvent", "ce-type: " + Cancel, Place, "Cancel a1")]
    public async Task EventTypeAttribute_PicksTheRpc(string what, string header, string eventType, string taken)
    {
        await using var service = await StartAsync(("orders:EventTypeAttribute", "kafkaheadertype"), ("orders:EventType", eventType));

        var answer = await SendAsync(service, "orders", 7, JsonOrder, what == "record that is a CloudEvent" ? [header, "ce-subject: a1"] : [.. Keyed, header]);

        Assert.Equal((204, "", what), (answer.Status, answer.Detail, what));
        Assert.Equal([taken], _calls.All);
    }

    [Fact]
    public async Task RecordWithoutValue_IsAnEmptyMessage()
    {
        await using var service = await StartAsync(("orders:EventTypeAttribute", "kafkaheadertype"));

        Assert.Equal(204, (await SendAsync(service, "orders", 7, null, [.. Keyed, "ce-kafkaheadertype: " + Cancel])).Status);

        Assert.Equal(["Cancel a1"], _calls.All);
    }

    [Theory]
    [InlineData("JSON", "", null, "Rest json.cloudstate.io/dev.knative.kafka.event")]
    [InlineData("bytes", "", Bytes, "Rest p.cloudstate.io/bytes")]
    [InlineData("bytes that are protobuf, with a header", "application/protobuf", Bytes, "Rest type.googleapis.com/other.Type")]
    [InlineData("JSON, with a header", "application/json", null, "Rest json.cloudstate.io/other.Type")]
    public async Task WhatNoRpcTakes_GoesToTheOneThatTakesAnything(string what, string incoming, string? contentType, string taken)
    {
        await using var service = await StartAsync(("audit:EventTypeAttribute", "kafkaheadertype"), ("audit:IncomingContentType", incoming));
        string[] headers = [.. contentType is null ? Array.Empty<string>() : [contentType], .. what.EndsWith("header", StringComparison.Ordinal) ? ["ce-kafkaheadertype: other.Type"] : Array.Empty<string>()];

        Assert.Equal(204, (await SendAsync(service, "audit", 7, JsonOrder, headers)).Status);

        Assert.Equal([taken], _calls.All);
    }

    [Theory]
    [InlineData("type", null, 400, "No rpc takes events of type 'dev.knative.kafka.event' from the topic 'orders'. Known types: cloudstate.tests.kafka.CancelOrder, ")]
    [InlineData("header", "ce-kafkaheadertype: other.Type", 400, "No rpc takes events of type 'other.Type' from the topic 'orders'. Known types: cloudstate.tests.kafka.CancelOrder, ")]
    [InlineData("content type", Bytes, 415, "The data of event 'partition:0/offset:7' is application/octet-stream. Send application/json or application/protobuf.")]
    public async Task RecordThatNothingIsSaidOf_IsRefused(string what, string? header, int status, string detail)
    {
        await using var service = await StartAsync(("orders:EventTypeAttribute", "kafkaheadertype"), ("orders:EventType", what == "content type" ? Place : ""));

        var answer = await SendAsync(service, "orders", 7, JsonOrder, [.. Keyed, .. header is null ? Array.Empty<string>() : [header]]);

        Assert.Equal(status, answer.Status);
        Assert.StartsWith(detail, answer.Detail, StringComparison.Ordinal);
        Assert.Empty(_calls.All);
    }

    [Fact]
    public async Task EventTypeThatNoRpcOfTheTopicTakes_EndsTheStart()
    {
        var refused = await Assert.ThrowsAsync<EntityDefinitionException>(() => StartAsync(("orders:EventType", "other.Type")));

        Assert.Equal(
            "CloudState:Topics:orders:EventType is 'other.Type', but no rpc takes that from the topic 'orders'. Set one of: cloudstate.tests.kafka.CancelOrder, cloudstate.tests.kafka.Orders/Cancel, "
            + "cloudstate.tests.kafka.Orders/Place, cloudstate.tests.kafka.PlaceOrder.",
            refused.Message);
    }

    [Fact]
    public async Task OptionsThatMakeNoSense_EndTheStart()
    {
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(
            () => StartAsync(("orders:IncomingContentType", "text/xml"), ("orders:EventTypeAttribute", "ce-type")));

        Assert.Equal(
            [
                "CloudState:Topics:orders:EventTypeAttribute is 'ce-type'; it must be the name of an attribute, of the letters a to z and digits, such as kafkaheadertype.",
                "CloudState:Topics:orders:IncomingContentType is 'text/xml'; it must be application/json or application/protobuf.",
            ],
            refused.Failures);
    }

    [Fact]
    public async Task OptionsOfATopicThatNoRpcTakesEventsFrom_AreFine()
    {
        await using var service = await StartAsync(("published:EventType", "other.Type"));

        Assert.Equal(400, (await SendAsync(service, "published", 7, JsonOrder, [])).Status);
    }

    private Task<TestService> StartAsync(params (string Key, string Value)[] topics) => TestService.StartHostAsync(
        cloudState =>
        {
            cloudState.Services.AddSingleton(_calls);
            cloudState.AddEntity<OrderEntity>().AddAction<AuditAction>();
        },
        Array.ConvertAll(topics, topic => ($"CloudState:Topics:{topic.Key}", topic.Value)));

    /// <summary>Sends a record; what is given of an attribute takes the place of what the source says.</summary>
    private static Task<RawHttp.Answer> SendAsync(TestService service, string topic, int offset, byte[]? value, string[] headers)
    {
        string[] record =
        [
            "ce-specversion: 1.0",
            $"ce-id: partition:0/offset:{offset}",
            "ce-source: /apis/v1/namespaces/default/kafkasources/orders#orders-topic",
            "ce-type: dev.knative.kafka.event",
            $"ce-subject: partition:0#{offset}",
            "ce-time: 2026-01-02T03:04:05.678Z",
            "ce-knativekafkapartition: 0",
            $"ce-knativekafkaoffset: {offset}",
            "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "User-Agent: Vert.x-WebClient/4.5.10",
            "Host: shop.default.svc.cluster.local",
        ];
        var given = headers.Select(NameOf).ToHashSet();
        return RawHttp.SendAsync(service, "POST", $"/topics/{topic}", [.. record.Where(header => !given.Contains(NameOf(header))), .. headers], value);

        static string NameOf(string header) => header[..header.IndexOf(':', StringComparison.Ordinal)];
    }
}
