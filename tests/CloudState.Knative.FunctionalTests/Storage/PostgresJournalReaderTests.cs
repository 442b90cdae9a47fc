using CloudState.Knative.Marten;
using CloudState.Knative.Marten.Store;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Npgsql;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>Transactions that commit late, or never.</summary>
public sealed class PostgresJournalReaderTests(PostgresSchema schema) : IClassFixture<PostgresSchema>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EventOfALateTransaction_IsNeverSkipped()
    {
        await using var store = Open();
        var type = NewType();
        await InsertAsync(type, "start");
        var start = await DrainAsync(store, type);
        await InsertAsync(type, "early");
        await using var connection = await schema.Database.OpenConnectionAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        await InsertAsync(type, "late", connection);
        await InsertAsync(type, "after");

        var first = await store.Journal.ReadAsync(type, start, 100, Cancellation);
        var blocked = await store.Journal.ReadAsync(type, first.Position, 100, Cancellation);
        await InsertAsync(type, "last");
        await transaction.CommitAsync(Cancellation);
        var rest = await ReadAllAsync(store, type, blocked.Position);

        Assert.Equal(["early"], first.Events.Select(logged => logged.Origin.Key));
        Assert.Empty(blocked.Events);
        Assert.Equal(["late", "after", "last"], rest);
    }

    [Fact]
    public async Task NumberOfARolledBackTransaction_IsPassedOver()
    {
        await using var store = Open();
        var type = NewType();
        await using (var connection = await schema.Database.OpenConnectionAsync(Cancellation))
        {
            await using var transaction = await connection.BeginTransactionAsync(Cancellation);
            await InsertAsync(type, "never", connection);
            await InsertAsync(type, "after");
            await transaction.RollbackAsync(Cancellation);
        }

        Assert.Equal(["after"], await ReadAllAsync(store, type, 0));
    }

    [Fact]
    public async Task WriterThatHasNotWrittenHere_DoesNotHoldUpContiguousEvents()
    {
        await using var store = Open();
        var type = NewType();
        var start = await schema.QueryAsync<long>($"select coalesce(max(seq_id), 0) from {schema.Name}.mt_events");
        await InsertAsync(type, "one");
        await using var connection = await schema.Database.OpenConnectionAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        await InsertAsync(NewType(), "open", connection);

        var batch = await store.Journal.ReadAsync(type, start, 100, Cancellation);

        Assert.Equal(["one"], batch.Events.Select(logged => logged.Origin.Key));
        await transaction.RollbackAsync(Cancellation);
    }

    [Fact]
    public async Task ManyWriters_NothingIsSkippedAndNothingComesTwice()
    {
        await using var store = Open();
        var type = NewType();
        const int writers = 8, each = 50;
        var seen = new List<string>();
        var reading = Task.Run(async () =>
        {
            var position = 0L;
            while (seen.Count < writers * each)
            {
                var batch = await store.Journal.ReadAsync(type, position, 40, Cancellation);
                seen.AddRange(batch.Events.Select(logged => logged.Origin.Key));
                position = batch.Position;
            }
        }, Cancellation);

        await Task.WhenAll(Enumerable.Range(0, writers).Select(async writer =>
        {
            await using var connection = await schema.Database.OpenConnectionAsync(Cancellation);
            for (var number = 0; number < each; number++)
            {
                await using var transaction = await connection.BeginTransactionAsync(Cancellation);
                await InsertAsync(type, $"{writer}-{number}", connection);
                await (number % 5 == 4 ? transaction.RollbackAsync(Cancellation) : Task.CompletedTask);
                if (number % 5 == 4)
                {
                    await InsertAsync(type, $"{writer}-{number}", connection);
                }
                else
                {
                    await transaction.CommitAsync(Cancellation);
                }
            }
        }));
        await reading.WaitAsync(Hosting.TestService.Patience, Cancellation);

        Assert.Equal(writers * each, seen.Distinct().Count());
        Assert.Equal(writers * each, seen.Count);
    }

    private MartenEntityStore Open() =>
        new(new MartenStoreOptions { ConnectionString = PostgresSchema.ConnectionString, SchemaName = schema.Name }, new ClusterOptions(), new StoredTypes([]));

    private static string NewType() => $"type-{Guid.NewGuid():N}";

    private async Task InsertAsync(string type, string id, NpgsqlConnection? connection = null)
    {
        var sql =
            $"""
            insert into {schema.Name}.mt_streams (id, version, timestamp, tenant_id) values ('{type}/{id}', 1, now(), '*DEFAULT*');
            insert into {schema.Name}.mt_events (seq_id, id, stream_id, version, data, type, tenant_id, timestamp, mt_dotnet_type, is_archived)
            values (nextval('{schema.Name}.mt_events_sequence'), gen_random_uuid(), '{type}/{id}', 1, '{"{}"}', 'x', '*DEFAULT*', now(), '', false)
            """;
        await using var command = connection is null ? schema.Database.CreateCommand(sql) : new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    /// <summary>The position behind all that there is; what other tests have rolled back is decided.</summary>
    private static async Task<long> DrainAsync(MartenEntityStore store, string type)
    {
        var (position, mayHaveMore) = (0L, true);
        while (mayHaveMore)
        {
            (_, position, mayHaveMore) = await store.Journal.ReadAsync(type, position, 100, Cancellation);
        }

        return position;
    }

    private static async Task<IReadOnlyList<string>> ReadAllAsync(MartenEntityStore store, string type, long position)
    {
        var (ids, mayHaveMore) = (new List<string>(), true);
        while (mayHaveMore)
        {
            (var events, position, mayHaveMore) = await store.Journal.ReadAsync(type, position, 100, Cancellation);
            ids.AddRange(events.Select(logged => logged.Origin.Key));
        }

        return ids;
    }
}
