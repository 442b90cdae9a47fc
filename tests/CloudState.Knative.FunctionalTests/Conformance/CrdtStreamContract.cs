using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.Tck.Crdts;
using Grpc.Core;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>The cases of the kit in which a stream does more than answer.</summary>
public abstract class CrdtStreamContract(TckDeployment tck) : ConformanceTest(tck)
{
    private readonly string _number = NewId();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private CrdtTckModel.CrdtTckModelClient Model => new(Tck.Pod(0).Channel);

    private int Pods => Tck.PodCount;

    [Fact]
    public async Task Case78_HandlerEndsTheStream()
    {
        var id = $"GCounter-{_number}";
        using var stream = Watch(new() { Id = id, EndState = new() { Gcounter = new() { Value = 3 } } });
        Assert.Equal("0", await NextAsync(stream));
        Assert.Equal("1", await ProcessAsync(id, Counter(1)));
        Assert.Equal("1", await NextAsync(stream));
        Assert.Equal("3", await ProcessAsync(id, Counter(2)));
        Assert.Equal("3", await NextAsync(stream));

        Assert.Equal("6", await ProcessAsync(id, Counter(3)));

        Assert.False(await stream.ResponseStream.MoveNext(Cancellation));
        Assert.Equal(StatusCode.OK, stream.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Case79_CallerLeaves_AndTheHandlerOfTheEndChangesTheState()
    {
        var id = $"PNCounter-{_number}";
        using (var stream = Watch(new() { Id = id, CancelUpdate = Change(-42) }))
        {
            Assert.Equal("0", await NextAsync(stream));
            Assert.Equal("10", await ProcessAsync(id, Change(10)));
            Assert.Equal("10", await NextAsync(stream));
            Assert.Equal("30", await ProcessAsync(id, Change(20)));
            Assert.Equal("30", await NextAsync(stream));
        }

        await ShowsAsync(id, "-12");
        Assert.Equal("18", await ProcessAsync(id, Change(30)));
    }

    [Fact]
    public async Task Case80_StreamWithoutReplies_IsHeardOfWhenItEnds()
    {
        var id = $"PNCounter-{_number}";
        Assert.Equal("10", await ProcessAsync(id, Change(10)));
        using var watcher = Watch(new() { Id = id });
        Assert.Equal("10", await NextAsync(watcher));
        using (var stream = Watch(new() { Id = id, InitialUpdate = Change(1), CancelUpdate = Change(-43), Empty = true }))
        {
            Assert.Equal("11", await NextAsync(watcher));
            var next = stream.ResponseStream.MoveNext(Cancellation);
            Assert.Equal("12", await ProcessAsync(id, Change(1)));
            Assert.Equal("12", await NextAsync(watcher));
            Assert.False(next.IsCompleted);
        }

        Assert.Equal("-31", await NextAsync(watcher));
        Assert.Equal("-32", await ProcessAsync(id, Change(-1)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Case81_EachMessageHasItsEffects(bool synchronous)
    {
        var id = $"GSet-{_number}";
        string[] targets = [$"one-{_number}-{synchronous}", $"two-{_number}-{synchronous}"];
        using var stream = Watch(new() { Id = id, Effects = { targets.Select(target => new Effect { Id = target, Synchronous = synchronous }) } });
        Assert.Equal("{}", await NextAsync(stream));
        Assert.Empty(Tck.Calls.Of(targets));
        foreach (var (element, set) in (ValueTuple<string, string>[])[("a", "{a}"), ("b", "{a b}")])
        {
            Assert.Equal(set, await ProcessAsync(id, new Update { Gset = new() { Add = element } }));
            Assert.Equal(set, await NextAsync(stream));
        }

        Assert.True(SpinWait.SpinUntil(() => Tck.Calls.Of(targets).Length == 4, TestService.Patience));
        Assert.All(targets, target => Assert.Equal(2, Tck.Calls.Of(target).Length));
    }

    [Fact]
    public async Task Case86_ConnectionsAreTracked()
    {
        var id = $"Vote-{_number}";
        using var first = Watch(new() { Id = id });
        Assert.Equal($"f/0/{Pods}", await NextAsync(first));
        using (Watch(new() { Id = id, InitialUpdate = Vote(true), CancelUpdate = Vote(false), Empty = true }))
        {
            Assert.Equal($"t/1/{Pods}", await NextAsync(first));
        }

        Assert.Equal($"f/0/{Pods}", await NextAsync(first));
        first.Dispose();
        Assert.Equal($"f/0/{Pods}", CrdtSteps.Text((await Model.ProcessAsync(new Request { Id = id, Actions = { new RequestAction { Delete = new() } } }, Options)).State));
    }

    private static Update Counter(ulong amount) => new() { Gcounter = new() { Increment = amount } };

    private static Update Change(long amount) => new() { Pncounter = new() { Change = amount } };

    private static Update Vote(bool isMine) => new() { Vote = new() { SelfVote = isMine } };

    private static async Task<string> NextAsync(AsyncServerStreamingCall<Response> stream)
    {
        Assert.True(await stream.ResponseStream.MoveNext(Cancellation));
        return CrdtSteps.Text(stream.ResponseStream.Current.State);
    }

    private AsyncServerStreamingCall<Response> Watch(StreamedRequest request) => Model.ProcessStreamed(request, Options);

    private async Task<string> ProcessAsync(string id, Update update) =>
        CrdtSteps.Text((await Model.ProcessAsync(new Request { Id = id, Actions = { new RequestAction { Update = update } } }, Options)).State);

    private async Task ShowsAsync(string id, string wanted)
    {
        using var watch = Watch(new() { Id = id });
        while (await NextAsync(watch) != wanted)
        {
        }
    }
}

[Collection<EmbeddedTck>]
public sealed class CrdtStreamEmbeddedTests(EmbeddedTck tck) : CrdtStreamContract(tck);

[Collection<ThreePodsTck>]
public sealed class CrdtStreamThreePodsTests(ThreePodsTck tck) : CrdtStreamContract(tck);
