using System.Globalization;
using CloudState.Knative.Benchmarks.Measuring;
using Npgsql;

namespace CloudState.Knative.Benchmarks.Systems;

/// <summary>The private server that <c>tests/postgres.sh</c> has started.</summary>
internal sealed class PostgresServer
{
    private readonly string _connectionString = Setting("CLOUDSTATE_TEST_POSTGRES");
    private readonly int _postmaster = int.Parse(
        File.ReadLines(Path.Combine(Setting("CLOUDSTATE_TEST_POSTGRES_DATA"), "postmaster.pid")).First(), CultureInfo.InvariantCulture);

    /// <summary>What all its processes have used so far.</summary>
    public TimeSpan Cpu => ProcessTree.CpuOf(_postmaster);

    public string ConnectionStringOf(BenchSystem system) =>
        new NpgsqlConnectionStringBuilder(_connectionString) { Database = system.Database }.ConnectionString;

    public Task CreateDatabaseAsync(BenchSystem system, CancellationToken cancellationToken) =>
        ExecuteAsync(_connectionString, $"create database {system.Database}", cancellationToken);

    public Task DropDatabaseAsync(BenchSystem system, CancellationToken cancellationToken) =>
        ExecuteAsync(_connectionString, $"drop database if exists {system.Database} with (force)", cancellationToken);

    /// <summary>How many transactions have been committed and how many rows or index entries read in the system's database. Busy backends report once a second.</summary>
    public async Task<(long Commits, long Rows)> ReadStatisticsAsync(BenchSystem system, CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(_connectionString, cancellationToken);
        await using var command = new NpgsqlCommand($"select xact_commit, tup_returned from pg_stat_database where datname = '{system.Database}'", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    /// <summary>Writes out what earlier measurements have left behind, so that the next one does not pay for it.</summary>
    public Task CheckpointAsync(CancellationToken cancellationToken) => ExecuteAsync(_connectionString, "checkpoint", cancellationToken);

    public Task ExecuteAsync(BenchSystem system, string sql, CancellationToken cancellationToken) =>
        ExecuteAsync(ConnectionStringOf(system), sql, cancellationToken);

    private static async Task ExecuteAsync(string connectionString, string sql, CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(connectionString, cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<NpgsqlConnection> OpenAsync(string connectionString, CancellationToken cancellationToken)
    {
        var unpooled = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, CommandTimeout = 300 };
        var connection = new NpgsqlConnection(unpooled.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private static string Setting(string name) => Environment.GetEnvironmentVariable(name)
        ?? throw new InvalidOperationException($"{name} is not set. Run the benchmarks with 'bash tests/bench.sh'.");
}
