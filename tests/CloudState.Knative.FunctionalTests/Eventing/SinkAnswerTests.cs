using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.Outbox;
using CloudState.Knative.Topics;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Eventing;

/// <summary>What sinks answer, or do not.</summary>
public sealed class SinkAnswerTests : TopicSinkTest, IAsyncLifetime
{
    private EventSink _sink = null!;

    public async ValueTask InitializeAsync() => _sink = await EventSink.StartAsync();

    public async ValueTask DisposeAsync()
    {
        Dispose();
        await _sink.DisposeAsync();
    }

    [Theory]
    [InlineData(200, StatusCode.OK)]
    [InlineData(204, StatusCode.OK)]
    [InlineData(299, StatusCode.OK)]
    [InlineData(301, StatusCode.InvalidArgument)]
    [InlineData(307, StatusCode.InvalidArgument)]
    [InlineData(400, StatusCode.InvalidArgument)]
    [InlineData(401, StatusCode.Unauthenticated)]
    [InlineData(403, StatusCode.PermissionDenied)]
    [InlineData(404, StatusCode.Unavailable)]
    [InlineData(408, StatusCode.DeadlineExceeded)]
    [InlineData(409, StatusCode.Aborted)]
    [InlineData(413, StatusCode.InvalidArgument)]
    [InlineData(429, StatusCode.ResourceExhausted)]
    [InlineData(500, StatusCode.Unavailable)]
    [InlineData(503, StatusCode.Unavailable)]
    public async Task HttpStatus_IsAStatus(int answer, StatusCode status)
    {
        _sink.AnswerWith(answer, headers: ("Location", "/elsewhere"));

        var result = await PublishAsync(Sinks());

        Assert.Equal((status, null), (result.Status.StatusCode, result.RetryAfter));
        Assert.Equal("HTTP/1.1 POST /", (await _sink.TakenAsync()).Line);
        Assert.Equal(0, _sink.Unseen);
    }

    [Fact]
    public async Task BodyOfAnAcceptance_IsNotReadToItsEnd()
    {
        _sink.Answer = async http =>
        {
            await http.Response.WriteAsync("It goes on");
            await http.Response.Body.FlushAsync();
            await new TaskCompletionSource().Task.WaitAsync(http.RequestAborted);
        };

        var result = await PublishAsync(Sinks(new FakeTimeProvider()));

        Assert.Equal(Status.DefaultSuccess, result.Status);
    }

    [Theory]
    [InlineData("text/plain", " No room\r\nfor it. ", ": No room  for it.")]
    [InlineData("application/problem+json", """{"title":"Über"}""", """: {"title":"Über"}""")]
    [InlineData("application/octet-stream", "bytes", "")]
    [InlineData("text/plain", "", "")]
    public async Task Refusal_IsDescribed(string contentType, string body, string shown)
    {
        _sink.AnswerWith(413, body, contentType);

        var result = await PublishAsync(Sinks());

        Assert.Equal($"The topic 'orders' at {_sink.Address}/ answered 413 Payload Too Large{shown}", result.Status.Detail);
    }

    [Fact]
    public async Task LongRefusal_IsCut()
    {
        _sink.AnswerWith(400, new string('ä', 199) + "🚲" + new string('ä', 100_000));

        var result = await PublishAsync(Sinks());

        Assert.EndsWith($"400 Bad Request: {new string('ä', 199)}", result.Status.Detail);
    }

    [Theory]
    [InlineData("7", 7)]
    [InlineData("0", 0)]
    [InlineData("Fri, 02 Jan 2026 03:05:05 GMT", 60)]
    [InlineData("Fri, 02 Jan 2026 03:04:00 GMT", 0)]
    [InlineData("86401", 86_400)]
    [InlineData("Fri, 02 Jan 2099 00:00:00 GMT", 86_400)]
    [InlineData("soon", null)]
    public async Task RetryAfter_IsHowLongToWait(string header, int? seconds)
    {
        _sink.AnswerWith(429, headers: ("Retry-After", header));

        var result = await PublishAsync(Sinks(new FakeTimeProvider(Published.Time)));

        Assert.Equal(seconds, (int?)result.RetryAfter?.TotalSeconds);
    }

    [Fact]
    public async Task SinkThatIsNotThere_IsUnavailable()
    {
        var result = await PublishAsync(SinksOf(("K_SINK", "http://127.0.0.1:1/in")));

        Assert.Equal(StatusCode.Unavailable, result.Status.StatusCode);
        Assert.StartsWith("The topic 'orders' at http://127.0.0.1:1/in cannot be reached: ", result.Status.Detail);
    }

    [Fact]
    public async Task SinkThatHangsUp_IsUnavailable()
    {
        _sink.Answer = http =>
        {
            http.Abort();
            return Task.CompletedTask;
        };

        var result = await PublishAsync(Sinks());

        Assert.Equal(StatusCode.Unavailable, result.Status.StatusCode);
    }

    [Fact]
    public async Task SinkThatDoesNotAnswer_IsGivenUp()
    {
        var time = new FakeTimeProvider();
        _sink.AnswerNever();

        var publishing = PublishAsync(Sinks(time));
        await _sink.TakenAsync();
        time.Advance(TimeSpan.FromMinutes(5));
        var result = await publishing;

        Assert.Equal((StatusCode.DeadlineExceeded, true), (result.Status.StatusCode, result.IsTimeout));
        Assert.Equal($"The topic 'orders' at {_sink.Address}/ did not answer within 00:05:00. It is not known whether it took the event.", result.Status.Detail);
    }

    [Fact]
    public async Task SinkThatAnswersLate_HasTakenTheEvent()
    {
        var (time, answer) = (new FakeTimeProvider(), new TaskCompletionSource());
        _sink.Answer = async http => await answer.Task.WaitAsync(http.RequestAborted);

        var publishing = PublishAsync(Sinks(time));
        await _sink.TakenAsync();
        time.Advance(TimeSpan.FromMinutes(4.5));
        answer.SetResult();
        var result = await publishing;

        Assert.Equal(DeliveryResult.Delivered, result);
        Assert.Equal(0, _sink.Unseen);
    }

    [Theory]
    [InlineData(408, true)]
    [InlineData(504, true)]
    [InlineData(503, false)]
    [InlineData(429, false)]
    public async Task ProxyThatWaitedInVain_IsATimeoutAndNoRefusal(int answer, bool isTimeout)
    {
        _sink.AnswerWith(answer);

        Assert.Equal(isTimeout, (await PublishAsync(Sinks())).IsTimeout);
    }

    [Fact]
    public async Task PublishTimeout_IsASetting()
    {
        _sink.AnswerNever();

        var result = await PublishAsync(SinksOf(("K_SINK", _sink.Address), ("CloudState:Eventing:PublishTimeout", "00:00:00.05")));

        Assert.Equal(StatusCode.DeadlineExceeded, result.Status.StatusCode);
    }

    [Fact]
    public async Task CallerThatCancels_HearsNothing()
    {
        _sink.AnswerNever();
        using var caller = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);

        var publishing = Sinks().PublishAsync(Topic, Published, caller.Token);
        await _sink.TakenAsync();
        await caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => publishing.WaitAsync(TestService.Patience));
    }

    private TopicSinks Sinks(TimeProvider? time = null) => SinksOf(time ?? TimeProvider.System, ("K_SINK", _sink.Address));
}
