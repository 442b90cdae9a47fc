using CloudState.Knative.FunctionalTests.Ledger;
using CloudState.Knative.Marten;
using CloudState.Knative.Marten.Store;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Npgsql;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>What the PostgreSQL store says when the server or the schema is not as it should be.</summary>
public sealed class MartenAvailabilityTests
{
    private static readonly EntityId Key = new("ledger", "a");
    private static readonly EntityAppend Append = new(Key, new EventsChange(0, [new AmountAdded { Amount = 1 }]));
    private static readonly EntityAppend Next = new(Key, new EventsChange(1, [new AmountAdded { Amount = 1 }]));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ConcurrentMigrations_AllSucceed()
    {
        var schema = NewSchema();
        try
        {
            var stores = Enumerable.Range(0, 3).Select(_ => Open(PostgresSchema.ConnectionString, schema)).ToArray();

            await Task.WhenAll(stores.Select(store => Task.Run(() => store.MigrateAsync(Cancellation), Cancellation)));

            await stores[0].CheckAsync(Cancellation);
            await stores[1].AppendAsync([Append], memberId: null, Cancellation);
            foreach (var store in stores)
            {
                await store.DisposeAsync();
            }
        }
        finally
        {
            await DropAsync(schema);
        }
    }

    [Fact]
    public async Task SchemaScript_CreatesTheSchema()
    {
        var schema = NewSchema();
        try
        {
            await using var store = Open(PostgresSchema.ConnectionString, schema);
            await ExecuteAsync(store.SchemaScript());

            await store.CheckAsync(Cancellation);
            await store.AppendAsync([Append], memberId: null, Cancellation);
        }
        finally
        {
            await DropAsync(schema);
        }
    }

    [Fact]
    public async Task MissingSchema_NamesTheCure()
    {
        await using var store = Open(PostgresSchema.ConnectionString, NewSchema());

        foreach (var failure in await FailuresOf(store))
        {
            Assert.Contains("--migrate", failure.Message);
        }
    }

    [Fact]
    public async Task SchemaWithoutTheTablesOfMembers_IsUpgraded()
    {
        await using var schema = new PostgresSchema();
        await schema.InitializeAsync();
        await schema.QueryAsync<object>($"drop table {schema.Name}.cloudstate_slots, {schema.Name}.cloudstate_members, {schema.Name}.cloudstate_ring");
        await using var store = Open(PostgresSchema.ConnectionString, schema.Name);

        Assert.Contains("--migrate", (await Assert.ThrowsAsync<StoreUnavailableException>(() => store.CheckAsync(Cancellation))).Message);
        await store.MigrateAsync(Cancellation);

        await store.CheckAsync(Cancellation);
    }

    [Fact]
    public async Task UnreachableServer_IsUnavailable()
    {
        await using var store = Open("Host=127.0.0.1;Port=9;Username=nobody;Database=none;Timeout=1", "public");

        await FailuresOf(store);
    }

    [Fact]
    public async Task ExhaustedPool_IsUnavailable()
    {
        await using var schema = new PostgresSchema();
        await schema.InitializeAsync();
        await using var store = Open(PostgresSchema.ConnectionString + ";Maximum Pool Size=1;Timeout=1", schema.Name);
        await using var connection = await schema.Database.OpenConnectionAsync(Cancellation);
        await using var blocker = await connection.BeginTransactionAsync(Cancellation);
        await using var takeLock = new NpgsqlCommand($"lock table {schema.Name}.mt_streams", connection, blocker);
        await takeLock.ExecuteNonQueryAsync(Cancellation);
        var blocked = store.LoadAsync(Key, StoredAs.Events, default, Cancellation);
        while (await schema.QueryAsync<long>($"select count(*) from pg_locks where not granted and relation = '{schema.Name}.mt_streams'::regclass") == 0)
        {
            await Task.Yield();
        }

        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.LoadAsync(Key, StoredAs.Events, default, Cancellation));

        await blocker.RollbackAsync(Cancellation);
        await blocked;
    }

    [Fact]
    public async Task SlowServer_IsUnavailableAfterTheCommandTimeout()
    {
        await using var schema = new PostgresSchema();
        await schema.InitializeAsync();
        await using var store = Open(PostgresSchema.ConnectionString + ";Command Timeout=1", schema.Name);
        await using var connection = await schema.Database.OpenConnectionAsync(Cancellation);
        await using var blocker = await connection.BeginTransactionAsync(Cancellation);
        await using var takeLock = new NpgsqlCommand($"lock table {schema.Name}.mt_streams", connection, blocker);
        await takeLock.ExecuteNonQueryAsync(Cancellation);

        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.AppendAsync([Append], memberId: null, Cancellation));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.LoadAsync(Key, StoredAs.Events, default, Cancellation));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.CheckAsync(Cancellation));

        await blocker.RollbackAsync(Cancellation);
        await store.AppendAsync([Append], memberId: null, Cancellation);
    }

    [Fact]
    public async Task KilledConnection_IsUnavailableOnceAndThenWorks()
    {
        await using var schema = new PostgresSchema();
        await schema.InitializeAsync();
        var application = "killed-" + schema.Name;
        await using var store = Open(PostgresSchema.ConnectionString + ";Application Name=" + application[..40], schema.Name);
        await store.AppendAsync([Append], memberId: null, Cancellation);

        await ExecuteAsync($"select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{application[..40]}'");

        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.AppendAsync([Next], memberId: null, Cancellation));
        await store.AppendAsync([Next], memberId: null, Cancellation);
    }

    private static async Task<List<StoreUnavailableException>> FailuresOf(MartenEntityStore store) =>
    [
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.CheckAsync(Cancellation)),
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.AppendAsync([Append], memberId: null, Cancellation)),
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.LoadAsync(Key, StoredAs.Events, default, Cancellation)),
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.FindCommandAsync(Key, "c", Cancellation)),
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.ForgetAsync(DateTimeOffset.UnixEpoch, Cancellation)),
    ];

    private static MartenEntityStore Open(string connectionString, string schema) => new(
        new MartenStoreOptions { ConnectionString = connectionString, SchemaName = schema }, new ClusterOptions(), new StoredTypes([AmountAdded.Descriptor]));

    private static string NewSchema() => "t_" + Guid.NewGuid().ToString("N");

    private static Task DropAsync(string schema) => ExecuteAsync($"drop schema if exists {schema} cascade");

    private static async Task ExecuteAsync(string sql)
    {
        await using var database = NpgsqlDataSource.Create(PostgresSchema.ConnectionString);
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancellation);
    }
}
