using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using CloudState.Knative.FunctionalTests.Bank;
using CloudState.Knative.FunctionalTests.Edges;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Probes;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Diagnostics;

/// <summary>What traces and metrics tell about commands. The services of other tests are in this process too: only probes count here.</summary>
[Collection(ProbeEntity.EntityType)]
public sealed class TelemetryTests
{
    private const string Source = "CloudState.Knative";
    private const string AddMethod = "cloudstate.tests.probe.Probe/Add";

    [Fact]
    public async Task CloudEventWithTraceParent_LeadsToSpansOfThatTrace()
    {
        const string traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
        await using var service = await ProbeEntity.StartServiceAsync();
        using var spans = new Spans("traced");
        using var cloudEvent = new HttpRequestMessage(HttpMethod.Post, "/")
        {
            Headers =
            {
                { "ce-specversion", "1.0" }, { "ce-id", "1" }, { "ce-source", "/test" }, { "ce-type", AddAmount.Descriptor.FullName }, { "ce-subject", "traced" },
                { "ce-traceparent", $"00-{traceId}-00f067aa0ba902b7-01" },
            },
            Content = new StringContent("""{"amount":1}""", Encoding.UTF8, "application/json"),
        };

        (await service.Http1.SendAsync(cloudEvent)).EnsureSuccessStatusCode();

        Assert.Equal(["append", $"command {AddMethod}", "handle", "load"], spans.Stopped.Select(span => span.OperationName).Order(StringComparer.Ordinal));
        Assert.All(spans.Stopped, span =>
        {
            Assert.Equal(traceId, span.TraceId.ToHexString());
            Assert.Equal(ProbeEntity.EntityType, span.GetTagItem("cloudstate.entity.type"));
            Assert.Equal(ActivityStatusCode.Unset, span.Status);
            Assert.InRange(span.Duration, TimeSpan.FromTicks(1), TestService.Patience);
        });
        Assert.Equal("OK", spans.Named($"command {AddMethod}").GetTagItem("rpc.response.status_code"));
        Assert.Equal(1, spans.Named("append").GetTagItem("cloudstate.journal.batch.commands"));
    }

    [Fact]
    public async Task Failures_AreTheirSpansStatus()
    {
        await using var service = await ProbeEntity.StartServiceAsync();
        service.ExpectErrors();
        using var spans = new Spans("crashed");

        await Assert.ThrowsAsync<RpcException>(async () =>
            await new Probe.ProbeClient(service.Channel).AddAsync(new AddAmount { Id = "crashed", Crash = true }));

        var command = spans.Named($"command {AddMethod}");
        Assert.Equal("Internal", command.GetTagItem("rpc.response.status_code"));
        Assert.Equal(ActivityStatusCode.Error, command.Status);
    }

    [Fact]
    public async Task Metrics_CountCommandsActivationsAndEvents()
    {
        await using var service = await ProbeEntity.StartServiceAsync();
        using var metrics = new Metrics(IsOfProbe);
        var probes = new Probe.ProbeClient(service.Channel);

        await probes.AddAsync(new AddAmount { Id = "measured", Amount = 1 });
        await probes.AddAsync(new AddAmount { Id = "measured", Amount = 2 });
        await probes.EchoAsync(new Everything { Id = "measured" });
        await Assert.ThrowsAsync<RpcException>(async () => await probes.AddAsync(new AddAmount { Amount = 3 }));

        Assert.Equal(2, metrics.CountOf("cloudstate.command.duration", ("rpc.method", AddMethod), ("rpc.response.status_code", "OK")));
        Assert.Equal(1, metrics.CountOf("cloudstate.command.duration", ("rpc.method", AddMethod), ("rpc.response.status_code", "InvalidArgument")));
        Assert.Equal(1, metrics.CountOf("cloudstate.command.duration", ("rpc.method", "cloudstate.tests.probe.Probe/Echo"), ("rpc.response.status_code", "OK")));
        Assert.Equal(1, metrics.SumOf("cloudstate.entity.activations"));
        Assert.Equal(1, metrics.CountOf("cloudstate.entity.load.duration"));
        Assert.Equal(0, metrics.SumOf("cloudstate.entity.load.events"));
        Assert.Equal(2, metrics.SumOf("cloudstate.journal.events"));

        metrics.Observe();
        Assert.Contains(1, metrics.ValuesOf("cloudstate.entity.active"));
    }

    [Fact]
    public async Task Deliveries_AreCountedByRpc()
    {
        const string rpc = "cloudstate.tests.bank.Accounts/Deposit";
        var account = Guid.NewGuid().ToString("N");
        await using var bank = await BankService.StartAsync();
        using var metrics = new Metrics(tags => rpc.Equals(tags.GetValueOrDefault("rpc.method")) && "OK".Equals(tags.GetValueOrDefault("rpc.response.status_code")));

        await bank.Transfers().TransferAsync(new TransferMoney { Transfer = account, To = { account }, Amount = 1 });

        await metrics.TakenAsync("cloudstate.delivery.attempts");
    }

    [Fact]
    public async Task Prometheus_FindsTheMetrics()
    {
        await using var service = await TestService.StartAsync(more: cloudState => cloudState.AddPrometheus());
        await service.Http1.GetStringAsync("/carts/prometheus");

        var response = await service.Http1.GetAsync("/metrics");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
        var text = await response.Content.ReadAsStringAsync();
        Assert.Matches("""cloudstate_command_duration_seconds_count\{.*rpc_method="com.example.shoppingcart.ShoppingCart/GetCart".*\} [1-9]""", text);
        Assert.Contains("""cloudstate_entity_active{""", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutPrometheus_MetricsAreNotServed()
    {
        await using var service = await TestService.StartAsync();

        Assert.Equal(HttpStatusCode.NotFound, (await service.Http1.GetAsync("/metrics")).StatusCode);
    }

    private static bool IsOfProbe(IReadOnlyDictionary<string, object?> tags) =>
        Equals(tags.GetValueOrDefault("cloudstate.entity.type"), ProbeEntity.EntityType)
        || tags.GetValueOrDefault("rpc.method") is string method && method.StartsWith("cloudstate.tests.probe.", StringComparison.Ordinal);

    /// <summary>The finished spans of one probe.</summary>
    private sealed class Spans : IDisposable
    {
        private readonly ActivityListener _listener;

        public Spans(string key)
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name == Source,
                Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = span =>
                {
                    if (Equals(span.GetTagItem("cloudstate.entity.key"), key))
                    {
                        Stopped.Enqueue(span);
                    }
                },
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public ConcurrentQueue<Activity> Stopped { get; } = new();

        public Activity Named(string name) => Assert.Single(Stopped, span => span.OperationName == name);

        public void Dispose() => _listener.Dispose();
    }
}
