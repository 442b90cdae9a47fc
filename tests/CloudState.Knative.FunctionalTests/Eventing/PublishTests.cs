using System.Collections.Concurrent;
using System.Diagnostics;
using CloudState.Knative.FunctionalTests.Diagnostics;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Topics;
using CloudState.Knative.Outbox;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Topics;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Eventing;

/// <summary>What goes to a sink.</summary>
public sealed class PublishTests : TopicSinkTest, IAsyncLifetime
{
    private EventSink _sink = null!;

    public async ValueTask InitializeAsync() => _sink = await EventSink.StartAsync();

    public async ValueTask DisposeAsync()
    {
        Dispose();
        await _sink.DisposeAsync();
    }

    [Fact]
    public async Task Event_IsPostedInBinaryMode()
    {
        var result = await PublishAsync(SinksOfTopic("/in?a=b"));

        Assert.Equal(new DeliveryResult(Status.DefaultSuccess, null), result);
        var taken = await _sink.TakenAsync();
        Assert.Equal("HTTP/1.1 POST /in?a=b", taken.Line);
        Assert.Equal("application/json", taken["content-type"]);
        Assert.Equal(Published.Data.ToByteArray(), taken.Body);
        Assert.Equal(
            [
                ("ce-id", "cart/ann/1"), ("ce-partitionkey", "ann"), ("ce-sequence", "1"), ("ce-source", "/shop/cart"), ("ce-specversion", "1.0"),
                ("ce-subject", "ann"), ("ce-time", "2026-01-02T03:04:05Z"), ("ce-type", "shop.Added"),
            ],
            AttributesOf(taken));
    }

    [Theory]
    [InlineData("50% \"off\"", "50%25%20%22off%22")]
    [InlineData("Ä 🚲", "%C3%84%20%F0%9F%9A%B2")]
    [InlineData("a\tb", "a%09b")]
    [InlineData("a/b?c=d&e,'f';<g>", "a/b?c=d&e,'f';<g>")]
    public async Task AttributeWithOtherCharacters_IsPercentEncoded(string subject, string encoded)
    {
        await PublishAsync(SinksOfTopic(), Published with { Subject = subject });

        Assert.Equal(encoded, (await _sink.TakenAsync())["ce-subject"]);
    }

    [Fact]
    public async Task EventWithoutData_HasNoContentType()
    {
        await PublishAsync(SinksOfTopic(), Published with { DataContentType = "", Data = ByteString.Empty });

        var taken = await _sink.TakenAsync();
        Assert.Null(taken["content-type"]);
        Assert.Equal("0", taken["content-length"]);
        Assert.Empty(taken.Body);
    }

    [Fact]
    public async Task DataInProtobuf_IsItsBytes()
    {
        var data = new Duration { Seconds = 7 }.ToByteString();

        await PublishAsync(SinksOfTopic(), Published with { DataContentType = "application/protobuf", Data = data });

        var taken = await _sink.TakenAsync();
        Assert.Equal("application/protobuf", taken["content-type"]);
        Assert.Equal(data.ToByteArray(), taken.Body);
    }

    [Fact]
    public async Task SinkBinding_IsForTopicsWithoutAnAddress()
    {
        await using var other = await EventSink.StartAsync();
        var sinks = SinksOf(("K_SINK", $"{_sink.Address}/bound"), ("K_CE_OVERRIDES", """{"extensions":{"Region":"Süd 1","sequence":"overridden"}}"""), ($"CloudState:Topics:{Topic}:Url", other.Address));

        await PublishAsync(sinks);
        await sinks.PublishAsync("audit", Published, Cancellation).WaitAsync(TestService.Patience);

        var taken = await other.TakenAsync();
        Assert.Equal(("1", null), (taken["ce-sequence"], taken["ce-region"]));
        var bound = await _sink.TakenAsync();
        Assert.Equal("HTTP/1.1 POST /bound", bound.Line);
        Assert.Equal(("overridden", "S%C3%BCd%201"), (bound["ce-sequence"], bound["ce-region"]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"extensions":null}""")]
    [InlineData("""{"extensions":{}}""")]
    public async Task SinkBindingWithoutOverrides_ChangesNothing(string overrides)
    {
        await PublishAsync(SinksOf(("K_SINK", _sink.Address), ("K_CE_OVERRIDES", overrides)));

        Assert.Equal(8, AttributesOf(await _sink.TakenAsync()).Count());
    }

    [Fact]
    public async Task UserInAddress_IsAuthorizedAndNotShown()
    {
        _sink.AnswerWith(401);
        var url = _sink.Address.Replace("http://", "http://ann:se%20cret@", StringComparison.Ordinal);

        var result = await PublishAsync(SinksOf(($"CloudState:Topics:{Topic}:Url", $"{url}/in?key=secret")));

        Assert.Equal($"The topic 'orders' at {_sink.Address}/in answered 401 Unauthorized", result.Status.Detail);
        Assert.Equal($"Basic {Convert.ToBase64String("ann:se cret"u8)}", (await _sink.TakenAsync())["authorization"]);
    }

    [Fact]
    public async Task TraceOfTheEvent_GoesOut()
    {
        var trace = ActivityContext.Parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", "a=b");

        await PublishAsync(SinksOfTopic(), Published with { Trace = trace });

        var taken = await _sink.TakenAsync();
        Assert.StartsWith("00-4bf92f3577b34da6a3ce929d0e0e4736-", taken["ce-traceparent"]);
        Assert.Equal("a=b", taken["ce-tracestate"]);
    }

    [Fact]
    public async Task Attempt_IsASpanAndCounted()
    {
        var topic = $"traced-{Guid.NewGuid():N}";
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "CloudState.Knative",
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                if (Equals(span.GetTagItem("messaging.destination.name"), topic))
                {
                    spans.Enqueue(span);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        using var metrics = new Metrics(tags => Equals(tags.GetValueOrDefault("messaging.destination.name"), topic));
        var sinks = SinksOf(("K_SINK", _sink.Address));
        var trace = new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);

        await sinks.PublishAsync(topic, Published with { Trace = trace }, Cancellation);
        _sink.AnswerWith(503);
        await sinks.PublishAsync(topic, Published with { Trace = trace }, Cancellation);

        Assert.Equal([("OK", ActivityStatusCode.Unset), ("Unavailable", ActivityStatusCode.Error)], spans.Select(span => ((string)span.GetTagItem("rpc.response.status_code")!, span.Status)));
        Assert.All(spans, span =>
        {
            Assert.Equal(($"publish {topic}", ActivityKind.Client, trace.SpanId), (span.OperationName, span.Kind, span.ParentSpanId));
            Assert.Equal(("publish", Published.Id), (span.GetTagItem("messaging.operation.name"), span.GetTagItem("messaging.message.id")));
        });
        Assert.Equal($"00-{trace.TraceId}-{spans.First().SpanId}-01", (await _sink.TakenAsync())["ce-traceparent"]);
        Assert.Equal(1, metrics.SumOf("cloudstate.topic.published", ("rpc.response.status_code", "OK")));
        Assert.Equal(1, metrics.SumOf("cloudstate.topic.published", ("rpc.response.status_code", "Unavailable")));
    }

    [Fact]
    public async Task PublishedEvent_IsTakenByAnotherService()
    {
        var taken = new List<string>();
        await using var service = await TestService.StartHostAsync(
            cloudState =>
            {
                cloudState.Services.AddSingleton(taken);
                cloudState.AddAction<IntakeAction>();
            },
            ("CloudState:Topics:orders:Url", _sink.Address));
        var order = new OrderPlaced { Order = "Ä 7%" };
        var sinks = SinksOf(("K_SINK", $"{service.Address}topics/audit"));
        foreach (var contentType in new[] { "application/json", "application/protobuf" })
        {
            var published = OutgoingEvents.FromReply(Reseller.Descriptor.FindMethodByName("Resend"), MessageShapes.Plain, order, contentType, $"Ä 7% in {contentType}", "my shop", "Ä", replyMetadata: null, default, Published.Time);

            Assert.Equal(Status.DefaultSuccess, (await PublishAsync(sinks, published)).Status);
        }

        Assert.Equal(["AuditOrder Ä 7%", "AuditOrder Ä 7%"], taken);
        Assert.Equal(StatusCode.OK, (await PublishAsync(service.Services.GetRequiredService<TopicSinks>())).Status.StatusCode);
        Assert.Equal("shop.Added", (await _sink.TakenAsync())["ce-type"]);
    }

    [Fact]
    public async Task ServiceName_IsThatOfKnative()
    {
        await using var plain = await TestService.StartAsync();
        await using var knative = await TestService.StartAsync(settings: [("K_SERVICE", "cart"), ("CloudState:Store", "embedded")]);
        await using var named = await TestService.StartAsync(settings: [("K_SERVICE", "cart"), ("CloudState:Store", "embedded"), ("CloudState:Eventing:ServiceName", "shop")]);

        Assert.Equal(
            ["CloudState.Knative.FunctionalTests", "cart", "shop"],
            new[] { plain, knative, named }.Select(service => service.Services.GetRequiredService<ServiceName>().Value));
    }

    [Fact]
    public async Task TopicWithAnotherContentType_EndsTheStart()
    {
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(() => TestService.StartAsync(settings: ("CloudState:Topics:orders:DataContentType", "text/plain")));

        Assert.Contains("CloudState:Topics:orders:DataContentType is 'text/plain'", refused.Message);
    }

    private TopicSinks SinksOfTopic(string path = "") => SinksOf(($"CloudState:Topics:{Topic}:Url", _sink.Address + path));

    /// <summary>Without the trace, which there is when another test listens.</summary>
    private static IEnumerable<(string, string)> AttributesOf(TakenRequest taken) =>
        taken.Headers.Where(header => header.Key.StartsWith("ce-", StringComparison.Ordinal) && header.Key != "ce-traceparent").Select(header => (header.Key, header.Value)).Order();
}
