using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Storage;
using Grpc.Core;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Replicated;

/// <summary>What replies vouch for at each level, in one process. The same on both stores.</summary>
public abstract class CrdtLevelTests
{
    // Longer than a test: what is stored was not stored because it was time.
    private protected static readonly (string, string) NoFlush = ("CloudState:Crdt:FlushInterval", "00:01:00");

    private static readonly (string, string) FastFlush = ("CloudState:Crdt:FlushInterval", "00:00:00.010");

    /// <summary>The settings of a store that outlives the service.</summary>
    private protected abstract (string Key, string Value)[] Settings { get; }

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task LocalChange_IsStoredBeforeTheProcessStops()
    {
        var key = NewKey();
        await using (var service = await StartAsync([.. Settings, NoFlush]))
        {
            Assert.Equal(3, await service.ChangeLocallyAsync(key, 3));
            Assert.Equal(5, await service.ChangeLocallyAsync(key, 2));
            Assert.Equal(5, await service.TotalLocallyAsync(key));
        }

        await using var next = await StartAsync(Settings);
        Assert.Equal(5, await next.TotalLocallyAsync(key));
    }

    [Fact]
    public async Task LocalAndDurableChangesAtTheSameTime_AreAllCounted()
    {
        var key = NewKey();
        await using (var service = await StartAsync([.. Settings, FastFlush, ("CloudState:Entities:SnapshotEvery", "7")]))
        {
            await Task.WhenAll(Enumerable.Range(0, 600).Select(number => number % 3 == 0 ? service.ChangeAsync(key, 1) : service.ChangeLocallyAsync(key, 1)));
            Assert.Equal(600, await service.TotalAsync(key));
        }

        await using var next = await StartAsync(Settings);
        Assert.Equal(600, await next.TotalAsync(key));
    }

    [Fact]
    public async Task LocalCommandThatFails_TakesNothingWithIt()
    {
        var key = NewKey();
        await using (var service = await StartAsync([.. Settings, NoFlush]))
        {
            await service.ChangeLocallyAsync(key, 3);
            await Assert.ThrowsAsync<RpcException>(() => service.Tallies().ChangeLocallyAsync(new TallyChange { Id = key, Amount = 5, Reject = true }).ResponseAsync);
            await Assert.ThrowsAsync<RpcException>(() => service.Tallies().ChangeAsync(new TallyChange { Id = key, Amount = 7, Reject = true }).ResponseAsync);
            Assert.Equal(4, await service.ChangeLocallyAsync(key, 1));
        }

        await using var next = await StartAsync(Settings);
        Assert.Equal(4, await next.TotalAsync(key));
    }

    [Fact]
    public async Task DeletionAfterLocalChanges_LeavesNothing()
    {
        var key = NewKey();
        await using (var service = await StartAsync([.. Settings, NoFlush]))
        {
            await service.ChangeLocallyAsync(key, 3);
            await service.Tallies().DeleteAsync(new TallyQuery { Id = key });
            Assert.Equal(2, await service.ChangeLocallyAsync(key, 2));
        }

        await using var next = await StartAsync(Settings);
        Assert.Equal(2, await next.TotalAsync(key));
    }

    [Fact]
    public async Task LocalCommandWithAnId_CountsOnce()
    {
        var key = NewKey();
        var once = new Metadata { { "idempotency-key", "once" } };
        await using (var service = await StartAsync([.. Settings, NoFlush]))
        {
            Assert.Equal(3, await service.ChangeLocallyAsync(key, 3, once));
            Assert.Equal(3, await service.ChangeLocallyAsync(key, 3, once));
        }

        await using var next = await StartAsync(Settings);
        Assert.Equal(3, await next.ChangeLocallyAsync(key, 3, once));
        Assert.Equal(3, await next.TotalAsync(key));
    }

    [Fact]
    public async Task LocalStream_ShowsEachChangeBeforeItIsStored()
    {
        var key = NewKey();
        await using var service = await StartAsync([.. Settings, NoFlush]);
        using var stream = service.Tallies().WatchLocally(new TallyQuery { Id = key }, deadline: DateTime.UtcNow + TestService.Patience);

        for (var total = 0; total < 10; total++)
        {
            Assert.True(await stream.ResponseStream.MoveNext(Cancellation));
            Assert.Equal(total, stream.ResponseStream.Current.Total);
            await service.ChangeLocallyAsync(key, 1);
        }
    }

    [Theory]
    [InlineData(CrdtLevel.Local)]
    [InlineData(CrdtLevel.Durable)]
    [InlineData(CrdtLevel.Everywhere)]
    public async Task Handler_ChoosesTheLevel(CrdtLevel level)
    {
        var key = NewKey();
        await using (var service = await StartAsync([.. Settings, NoFlush]))
        {
            var tally = service.Tallies();
            Assert.Equal(1, (await tally.ChangeLocallyAsync(new TallyChange { Id = key, Amount = 1 })).Total);
            Assert.Equal(3, (await tally.ChangeLocallyAsync(new TallyChange { Id = key, Amount = 2, Level = (int)level })).Total);
            Assert.Equal(6, (await tally.ChangeAsync(new TallyChange { Id = key, Amount = 3, Level = (int)level })).Total);
            Assert.Equal(10, (await tally.ChangeEverywhereAsync(new TallyChange { Id = key, Amount = 4, Level = (int)level })).Total);
        }

        await using var next = await StartAsync(Settings);
        Assert.Equal(10, (await next.Tallies().GetEverywhereAsync(new TallyQuery { Id = key })).Total);
    }

    private protected static Task<TestService> StartAsync(params (string Key, string Value)[] settings) =>
        TestService.StartHostAsync(cloudState => cloudState.AddEntity<TallyEntity>(), settings);

    private protected static string NewKey() => Guid.NewGuid().ToString("N");
}

public sealed class SqliteCrdtLevelTests : CrdtLevelTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private protected override (string Key, string Value)[] Settings => [("CloudState:Sqlite:Path", Path.Combine(_folder.Path, "replicated.db"))];

    public void Dispose() => _folder.Dispose();
}
