namespace CloudState.Knative.UnitTests.Runtime;

public sealed class PassivationTests : IAsyncDisposable
{
    private readonly RuntimeFixture _fixture = new(options =>
    {
        options.Entities.PassivateAfter = TimeSpan.FromMinutes(1);
        options.Entities.MaxActive = 3;
    });

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task IdleEntities_Leave_UsedOnesStay()
    {
        await _fixture.AddAsync("idle", 1);
        await _fixture.AddAsync("used", 1);
        await _fixture.QuietAsync();
        _fixture.Time.Advance(TimeSpan.FromSeconds(59));
        await _fixture.AddAsync("used", 1);
        await _fixture.QuietAsync();
        _fixture.Time.Advance(TimeSpan.FromSeconds(1));

        _fixture.Counters.PassivateIdle();

        Assert.Equal(1, _fixture.Counters.Count);
        var loads = _fixture.Store.Loads;
        Assert.Equal(2, await _fixture.TotalAsync("used"));
        Assert.Equal(loads, _fixture.Store.Loads);
    }

    [Fact]
    public async Task WatchedEntity_StaysUntilNobodyWatches()
    {
        await _fixture.AddAsync("watched", 1);
        await _fixture.QuietAsync();
        _fixture.Time.Advance(TimeSpan.FromHours(1));
        using (_fixture.Runtime.TryWatch(RuntimeFixture.KeyOf("watched"), seenVersion: 1))
        {
            _fixture.Counters.PassivateIdle();
            Assert.Equal(1, _fixture.Counters.Count);
        }

        _fixture.Counters.PassivateIdle();
        Assert.Equal(0, _fixture.Counters.Count);
    }

    [Fact]
    public async Task BeyondTheMaximum_TheLeastRecentlyUsedLeaves()
    {
        foreach (var counter in new[] { "a", "b", "c", "a", "d" })
        {
            await _fixture.AddAsync(counter, 1);
            await _fixture.QuietAsync();
            _fixture.Time.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(3, _fixture.Counters.Count);
        var loads = _fixture.Store.Loads;
        await Task.WhenAll(_fixture.ReadAsync("a"), _fixture.ReadAsync("c"), _fixture.ReadAsync("d"));
        Assert.Equal(loads, _fixture.Store.Loads);
        await _fixture.ReadAsync("b");
        Assert.Equal(loads + 1, _fixture.Store.Loads);
    }

    [Fact]
    public async Task BusyEntities_DoNotLeave()
    {
        await _fixture.AddAsync("a", 1);
        _fixture.Store.HoldAppends();
        var busy = _fixture.AddAsync("a", 1, timeout: TimeSpan.FromHours(1));
        await _fixture.Store.AppendArrived.Task.WaitAsync(RuntimeFixture.Patience, TestContext.Current.CancellationToken);
        _fixture.Time.Advance(TimeSpan.FromMinutes(2));

        _fixture.Counters.PassivateIdle();

        Assert.Equal(1, _fixture.Counters.Count);
        _fixture.Store.ReleaseAppends();
        Assert.True((await busy).IsReply);
    }
}
