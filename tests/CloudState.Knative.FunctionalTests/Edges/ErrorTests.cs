using System.Net;
using System.Text;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Probes;
using Grpc.Core;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Edges;

/// <summary>What callers see of a handler that throws: a trace id, nothing of the exception, and an entity that goes on.</summary>
[Collection(ProbeEntity.EntityType)]
public sealed class ErrorTests : IAsyncLifetime
{
    private const string Crash = """{"amount":100,"crash":true}""";

    private TestService _service = null!;

    public async ValueTask InitializeAsync()
    {
        _service = await ProbeEntity.StartServiceAsync();
        _service.ExpectErrors();
        await AssertNextCommandGivesAsync(1);
    }

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    [Fact]
    public async Task CrashOverRest_Is500WithTraceId()
    {
        var response = await _service.Http1.PostAsync("/probes/a/add", Json(Crash));

        await AssertTellsOnlyTraceIdAsync(response);
        await AssertNextCommandGivesAsync(2);
    }

    [Fact]
    public async Task CrashOverGrpc_IsInternalWithTraceId()
    {
        var failure = await Assert.ThrowsAsync<RpcException>(async () =>
            await new Probe.ProbeClient(_service.Channel).AddAsync(new AddAmount { Id = "a", Amount = 100, Crash = true }));

        Assert.Equal(StatusCode.Internal, failure.StatusCode);
        Assert.Matches(@"^Unexpected entity failure \(trace id [0-9a-f]{32}\)$", failure.Status.Detail);
        await AssertNextCommandGivesAsync(2);
    }

    [Fact]
    public async Task CrashOverCloudEvents_Is500WithTraceId_AndIsRunAgainWhenRedelivered()
    {
        for (var delivery = 0; delivery < 2; delivery++)
        {
            using var cloudEvent = new HttpRequestMessage(HttpMethod.Post, "/")
            {
                Headers = { { "ce-specversion", "1.0" }, { "ce-id", "1" }, { "ce-source", "/test" }, { "ce-type", AddAmount.Descriptor.FullName }, { "ce-subject", "a" } },
                Content = Json(Crash),
            };

            await AssertTellsOnlyTraceIdAsync(await _service.Http1.SendAsync(cloudEvent));
        }

        await AssertNextCommandGivesAsync(2);
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private static async Task AssertTellsOnlyTraceIdAsync(HttpResponseMessage response)
    {
        var body = await response.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Matches(@"""Unexpected entity failure \(trace id [0-9a-f]{32}\)""", body);
        Assert.DoesNotContain(ProbeEntity.Secret, body, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", body, StringComparison.Ordinal);
    }

    private async Task AssertNextCommandGivesAsync(int total)
    {
        var response = await _service.Http1.PostAsync("/probes/a/add", Json("""{"amount":1}"""));

        Assert.Equal($$"""{"amount":{{total}}}""", await response.Content.ReadAsStringAsync());
    }
}
