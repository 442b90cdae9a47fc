using CloudState.Knative.Marten.Load;
using Npgsql;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

public sealed class GroupedReadsTests
{
    private readonly List<Query> _queries = [];
    private readonly SemaphoreSlim _begun = new(0);

    [Fact]
    public async Task WhatIsAskedForWhileAsManyQueriesRunAsMay_IsReadByTheNext()
    {
        var reads = Reads(maxQueries: 2);
        var (first, second) = (reads.ReadAsync(1), await NextAsync());
        var third = reads.ReadAsync(2);
        await NextAsync();
        var waiting = new[] { reads.ReadAsync(3), reads.ReadAsync(4), reads.ReadAsync(5) };

        second.Answer();

        var last = await NextAsync();
        Assert.Equal([3, 4, 5], last.Requests);
        Assert.Equal("1", await first);
        Assert.False(third.IsCompleted);
        last.Answer();
        Assert.Equal(["3", "4", "5"], await Task.WhenAll(waiting));
        Assert.Equal(3, _queries.Count);
    }

    [Fact]
    public async Task OneQuery_ReadsNoMoreThanItMay()
    {
        const int Most = GroupedReads<int, string>.MaxRequests;
        var reads = Reads();
        var all = Enumerable.Range(0, Most + 5).Select(reads.ReadAsync).ToArray();

        while (!all.All(read => read.IsCompleted))
        {
            var query = await NextAsync();
            Assert.InRange(query.Requests.Count, 1, Most);
            query.Answer();
            await Task.WhenAll(query.Requests.Select(request => all[request]));
        }

        Assert.Equal(Enumerable.Range(0, Most + 5), _queries.SelectMany(query => query.Requests));
    }

    [Fact]
    public async Task RequestThatIsRefused_FailsAlone()
    {
        var reads = Reads();
        var running = reads.ReadAsync(1);
        var query = await NextAsync();
        var (good, bad, alsoGood) = (reads.ReadAsync(2), reads.ReadAsync(-1), reads.ReadAsync(3));
        query.Answer();

        (await NextAsync()).Fail(Refusal(PostgresErrorCodes.CharacterNotInRepertoire));
        (await NextAsync()).Answer();
        (await NextAsync()).Fail(Refusal(PostgresErrorCodes.CharacterNotInRepertoire));
        (await NextAsync()).Answer();

        Assert.Equal(["1", "2", "3"], await Task.WhenAll(running, good, alsoGood));
        await Assert.ThrowsAsync<PostgresException>(() => bad);
        Assert.Equal([[1], [2, -1, 3], [2], [-1], [3]], _queries.Select(one => one.Requests));
    }

    [Fact]
    public async Task ServerThatRefuses_IsNotAskedForEachAlone()
    {
        var reads = Reads();
        var running = reads.ReadAsync(1);
        var query = await NextAsync();
        var waiting = new[] { reads.ReadAsync(2), reads.ReadAsync(3) };
        query.Answer();

        (await NextAsync()).Fail(Refusal(PostgresErrorCodes.AdminShutdown));

        Assert.Equal("1", await running);
        foreach (var read in waiting)
        {
            await Assert.ThrowsAsync<PostgresException>(() => read);
        }

        var next = reads.ReadAsync(4);
        (await NextAsync()).Answer();
        Assert.Equal("4", await next);
    }

    [Fact]
    public async Task RequestThatHasWaitedTooLong_FailsWithoutAQuery()
    {
        var reads = Reads(patience: TimeSpan.FromTicks(1));
        var running = reads.ReadAsync(1);

        var late = await Assert.ThrowsAsync<TimeoutException>(() => running);

        Assert.Contains("No query could be made within", late.Message, StringComparison.Ordinal);
        Assert.Empty(_queries);
    }

    private GroupedReads<int, string> Reads(int maxQueries = 1, TimeSpan patience = default) => new(
        requests =>
        {
            var query = new Query(requests);
            _queries.Add(query);
            _begun.Release();
            return query.Answered;
        },
        maxQueries,
        patience);

    private async Task<Query> NextAsync()
    {
        Assert.True(await _begun.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        return _queries[^1];
    }

    private static PostgresException Refusal(string state) => new("refused", "ERROR", "ERROR", state);

    private sealed class Query(IReadOnlyList<int> requests)
    {
        private readonly TaskCompletionSource<IReadOnlyList<string>> _answer = new();

        public IReadOnlyList<int> Requests { get; } = requests;

        public Task<IReadOnlyList<string>> Answered => _answer.Task;

        public void Answer() => _answer.SetResult([.. Requests.Select(request => $"{request}")]);

        public void Fail(Exception failure) => _answer.SetException(failure);
    }
}
