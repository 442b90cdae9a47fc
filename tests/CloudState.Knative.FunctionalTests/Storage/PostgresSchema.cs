using CloudState.Knative.FunctionalTests.Ledger;
using CloudState.Knative.Marten;
using CloudState.Knative.Marten.Store;
using CloudState.Knative.Protobuf;
using Npgsql;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>A PostgreSQL schema for one test class, dropped after its last test.</summary>
public sealed class PostgresSchema : IAsyncLifetime
{
    public static string ConnectionString =>
        Environment.GetEnvironmentVariable("CLOUDSTATE_TEST_POSTGRES")
        ?? throw new InvalidOperationException(
            "These tests need PostgreSQL: 'bash tests/run.sh' starts one and runs them, or set CLOUDSTATE_TEST_POSTGRES to a connection string.");

    public string Name { get; } = "t_" + Guid.NewGuid().ToString("N");

    public NpgsqlDataSource Database { get; } = NpgsqlDataSource.Create(ConnectionString);

    public async ValueTask InitializeAsync()
    {
        await using var store = new MartenEntityStore(new MartenStoreOptions { ConnectionString = ConnectionString, SchemaName = Name }, new ClusterOptions(), new StoredTypes([AmountAdded.Descriptor]));
        await store.MigrateAsync(TestContext.Current.CancellationToken);
    }

    public async Task<T?> QueryAsync<T>(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return (T?)await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await QueryAsync<object>($"drop schema if exists {Name} cascade");
        await Database.DisposeAsync();
    }
}
