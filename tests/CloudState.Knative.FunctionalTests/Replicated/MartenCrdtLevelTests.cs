using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Routing;
using CloudState.Knative.FunctionalTests.Storage;
using Grpc.Core;
using Npgsql;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Replicated;

/// <summary>The levels on PostgreSQL: with a store that is slow or fails, and with several pods.</summary>
public sealed class MartenCrdtLevelTests(PostgresSchema schema) : CrdtLevelTests, IClassFixture<PostgresSchema>
{
    private static readonly (string, string) NoSync = ("CloudState:Crdt:SyncInterval", "01:00:00");

    // Others cannot reach it.
    private static readonly (string, string) Unreachable = ("CloudState:Cluster:Address", "127.0.0.1:1");

    private protected override (string Key, string Value)[] Settings =>
        [("ConnectionStrings:CloudState", PostgresSchema.ConnectionString), ("CloudState:Marten:SchemaName", schema.Name)];

    private string Deltas => $"{schema.Name}.cloudstate_deltas";

    [Fact]
    public async Task LocalReply_DoesNotWaitForTheStore_AndADurableOneShowsOnlyWhatIsStored()
    {
        await using var service = await StartAsync([.. Settings, NoFlush]);
        await using var database = NpgsqlDataSource.Create(PostgresSchema.ConnectionString);
        var key = NewKey();
        await service.ChangeAsync(key, 1);
        await using var connection = await database.OpenConnectionAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        await using var locked = new NpgsqlCommand($"lock table {Deltas} in share mode", connection, transaction);
        await locked.ExecuteNonQueryAsync(Cancellation);

        Assert.Equal(3, await service.ChangeLocallyAsync(key, 2));
        Assert.Equal(3, await service.TotalLocallyAsync(key));
        var durable = service.TotalAsync(key);
        Assert.Equal(4, await service.ChangeLocallyAsync(NewKey(), 4));
        Assert.False(durable.IsCompleted);

        await transaction.CommitAsync(Cancellation);
        Assert.Equal(3, await durable);
        Assert.Equal(2, await CountDeltasAsync(database, key));
    }

    [Fact]
    public async Task LocalChanges_ShareRows()
    {
        var key = NewKey();
        await using (var service = await StartAsync([.. Settings, NoFlush]))
        {
            await Task.WhenAll(Enumerable.Range(0, 500).Select(_ => service.ChangeLocallyAsync(key, 1)));
            Assert.Equal(500, await service.TotalLocallyAsync(key));
        }

        await using var database = NpgsqlDataSource.Create(PostgresSchema.ConnectionString);
        Assert.Equal(1, await CountDeltasAsync(database, key));
    }

    [Fact]
    public async Task LocalChangesThatCannotBeStored_AreStoredLater()
    {
        await using var service = await StartAsync([.. Settings, ("CloudState:Crdt:FlushInterval", "00:00:00.010"), ("CloudState:Cluster:Lease", "00:00:30")]);
        await using var database = NpgsqlDataSource.Create(PostgresSchema.ConnectionString);
        var key = NewKey();
        await service.ChangeAsync(key, 1);
        await using (var breaking = database.CreateCommand($"alter table {Deltas} rename to deltas_gone"))
        {
            await breaking.ExecuteNonQueryAsync(Cancellation);
        }

        Assert.Equal(3, await service.ChangeLocallyAsync(key, 2));
        await Assert.ThrowsAsync<RpcException>(() => service.ChangeAsync(key, 4));
        await using (var mending = database.CreateCommand($"alter table {schema.Name}.deltas_gone rename to cloudstate_deltas"))
        {
            await mending.ExecuteNonQueryAsync(Cancellation);
        }

        Assert.Equal(3, await ReadWhenUpAsync(service, key));
        await using var second = await StartAsync(Settings);
        Assert.Equal(3, await second.TotalAsync(key));
    }

    [Fact]
    public async Task LocalChangesBeforeADeletionElsewhere_AreGone()
    {
        await using var first = await StartAsync([.. Settings, NoSync, NoFlush]);
        await using var second = await StartAsync([.. Settings, NoSync]);
        await Pods.SettledAsync(first, second);
        var key = NewKey();
        await first.ChangeLocallyAsync(key, 3);
        await second.Tallies().DeleteAsync(new TallyQuery { Id = key });

        Assert.Equal(0, (await first.Tallies().GetEverywhereAsync(new TallyQuery { Id = key })).Total);
        Assert.Equal(2, await first.ChangeLocallyAsync(key, 2));
        Assert.Equal(2, await first.TotalAsync(key));
        Assert.Equal(2, (await second.Tallies().GetEverywhereAsync(new TallyQuery { Id = key })).Total);
    }

    [Fact]
    public async Task ChangeEverywhere_IsSeenOnEachPodAfterItsReply()
    {
        await using var first = await StartAsync([.. Settings, NoSync]);
        await using var second = await StartAsync([.. Settings, NoSync]);
        await Pods.SettledAsync(first, second);
        var key = NewKey();
        for (var total = 1; total <= 50; total++)
        {
            var (here, there) = total % 2 == 0 ? (first, second) : (second, first);
            Assert.Equal(total, (await here.Tallies().ChangeEverywhereAsync(new TallyChange { Id = key, Amount = 1 })).Total);
            Assert.Equal(total, await there.TotalAsync(key));
        }
    }

    [Fact]
    public async Task ChangeEverywhere_WaitsForAPodThatCannotBeReached_UntilItIsNoMember()
    {
        await using var first = await StartAsync([.. Settings, NoSync]);
        var key = NewKey();
        Task<Tally> patient;
        await using (var second = await StartAsync([.. Settings, NoSync, Unreachable]))
        {
            await Pods.SettledAsync(first, second);
            Assert.Equal(0, await second.TotalAsync(key));

            var inTime = first.Tallies().ChangeEverywhereAsync(new TallyChange { Id = key, Amount = 1 }, deadline: DateTime.UtcNow.AddSeconds(1));
            var tooLate = await Assert.ThrowsAsync<RpcException>(() => inTime.ResponseAsync);
            Assert.Equal(StatusCode.DeadlineExceeded, tooLate.StatusCode);
            Assert.Equal(1, await first.TotalAsync(key));

            patient = first.Tallies().ChangeEverywhereAsync(new TallyChange { Id = key, Amount = 1 }, deadline: DateTime.UtcNow + TestService.Patience).ResponseAsync;
        }

        Assert.Equal(2, (await patient).Total);
    }

    [Fact]
    public async Task ReadEverywhere_SeesWhatItsPodWasNotTold()
    {
        await using var first = await StartAsync([.. Settings, NoSync]);
        await using var second = await StartAsync([.. Settings, NoSync, Unreachable]);
        await Pods.SettledAsync(first, second);
        var key = NewKey();
        await second.ChangeAsync(key, 1);
        await first.ChangeAsync(key, 5);
        Assert.Equal(1, await second.TotalAsync(key));

        Assert.Equal(6, (await second.Tallies().GetEverywhereAsync(new TallyQuery { Id = key })).Total);
    }

    private static async Task<long> ReadWhenUpAsync(TestService service, string key)
    {
        while (true)
        {
            try
            {
                return await service.TotalAsync(key);
            }
            catch (RpcException unavailable) when (unavailable.StatusCode == StatusCode.Unavailable)
            {
                Cancellation.ThrowIfCancellationRequested();
                await Task.Delay(20, Cancellation);
            }
        }
    }

    private async Task<long> CountDeltasAsync(NpgsqlDataSource database, string key)
    {
        await using var count = database.CreateCommand($"select count(*) from {Deltas} where stream = 'tally/{key}'");
        return (long)(await count.ExecuteScalarAsync(Cancellation))!;
    }
}
