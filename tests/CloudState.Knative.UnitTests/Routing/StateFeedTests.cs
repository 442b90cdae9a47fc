using CloudState.Knative.Calls;
using CloudState.Knative.Routing;
using CloudState.Knative.Runtime;
using CloudState.Knative.UnitTests.Protos;
using CloudState.Knative.UnitTests.Runtime;

namespace CloudState.Knative.UnitTests.Routing;

public sealed class StateFeedTests
{
    private readonly List<Command> _polls = [];
    private readonly SemaphoreSlim _polled = new(0);
    private TaskCompletionSource<CallOutcome> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task AnswerToOnePoll_IsForAllStreams()
    {
        var feed = await StartAsync(streams: 200);
        var streams = Enumerable.Range(0, 200).Select(_ => NextAsync(feed, seen: 1)).ToList();

        await AnswerAsync(2);

        Assert.All(await Task.WhenAll(streams), outcome => Assert.Equal(2, outcome!.Value.Version));
        Assert.Equal([1L, 2L], _polls.Select(poll => poll.SeenVersion!.Value));
    }

    [Fact]
    public async Task StreamThatWasElsewhere_GetsTheLatestAnswerOnly()
    {
        var feed = await StartAsync(streams: 1);
        await AnswerAsync(2);
        await AnswerAsync(3);

        Assert.Equal(3, (await NextAsync(feed, seen: 1))!.Value.Version);
    }

    [Fact]
    public async Task StreamThatHasSeenMore_WaitsForMore()
    {
        var feed = await StartAsync(streams: 1);
        var stream = NextAsync(feed, seen: 2);

        await AnswerAsync(2);
        Assert.False(stream.IsCompleted);
        await AnswerAsync(3);

        Assert.Equal(3, (await stream)!.Value.Version);
    }

    [Fact]
    public async Task StreamThatHasSeenLessThanTheFirst_AsksForItself()
    {
        var feed = await StartAsync(streams: 1);

        Assert.Null(await NextAsync(feed, seen: 0));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnswerThatIsNotForAll_EndsTheFeed(bool isReply)
    {
        var feed = await StartAsync(streams: 2);
        var stream = NextAsync(feed, seen: 1);

        _answer.SetResult(isReply ? CallOutcome.Replied(new Total()) with { Version = 2 } : CallOutcome.StoreUnavailable);

        Assert.Null(await stream);
        Assert.False(feed.TryJoin(2));
        Assert.False(feed.Leave());
        Assert.True(feed.Leave());
    }

    [Fact]
    public async Task LastStreamThatLeaves_EndsThePoll()
    {
        var feed = await StartAsync(streams: 2);

        Assert.False(feed.Leave());
        Assert.False(_polls[0].CallCancelled.IsCancellationRequested);
        Assert.True(feed.Leave());

        Assert.True(_polls[0].CallCancelled.IsCancellationRequested);
        Assert.False(feed.TryJoin(1));
    }

    private async Task<StateFeed> StartAsync(int streams)
    {
        var feed = new StateFeed(
            poll =>
            {
                _polls.Add(poll);
                _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
                _polled.Release();
                return new(_answer.Task);
            },
            WatchedCounter.CommandOf("Watch"), TimeProvider.System);
        for (var stream = 0; stream < streams; stream++)
        {
            Assert.True(feed.TryJoin(1));
        }

        await _polled.WaitAsync().WaitAsync(RuntimeFixture.Patience);
        return feed;
    }

    /// <summary>Answers the poll, and waits for the next one: then all streams have been woken.</summary>
    private Task AnswerAsync(long version)
    {
        _answer.SetResult(CallOutcome.Replied(new Total { Value = version }) with { Version = version, IsSameForAll = true });
        return _polled.WaitAsync().WaitAsync(RuntimeFixture.Patience);
    }

    private static Task<CallOutcome?> NextAsync(StateFeed feed, long seen) =>
        feed.NextAsync(seen, DateTimeOffset.MaxValue, CancellationToken.None).AsTask().WaitAsync(RuntimeFixture.Patience);
}
