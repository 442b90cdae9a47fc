using CloudState.Knative.FunctionalTests.Storage;
using Npgsql;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Deployment;

/// <summary>A database as manifests bring it: new and empty.</summary>
public sealed class ManifestDatabase : IAsyncLifetime
{
    private readonly string _name = $"m_{Guid.NewGuid():N}";

    public async ValueTask InitializeAsync() => await ExecuteAsync(PostgresSchema.ConnectionString, $"create database {_name}");

    /// <summary>The connection string of a manifest, for the server of the tests.</summary>
    public string Adapt(string connectionString)
    {
        var (manifest, tests) = (new NpgsqlConnectionStringBuilder(connectionString), new NpgsqlConnectionStringBuilder(PostgresSchema.ConnectionString));
        (manifest.Host, manifest.Port, manifest.Username, manifest.Password, manifest.Database) = (tests.Host, tests.Port, tests.Username, tests.Password, _name);
        return manifest.ConnectionString;
    }

    public async Task<bool> HasSchemaAsync(string schema)
    {
        await using var database = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(PostgresSchema.ConnectionString) { Database = _name, Pooling = false });
        await using var command = database.CreateCommand($"select to_regclass('{schema}.mt_events') is not null");
        return (bool)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    public async ValueTask DisposeAsync() => await ExecuteAsync(PostgresSchema.ConnectionString, $"drop database {_name} with (force)");

    private static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var database = NpgsqlDataSource.Create(connectionString);
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
