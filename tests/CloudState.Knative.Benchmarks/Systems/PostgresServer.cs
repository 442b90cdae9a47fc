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

    /// <summary>Writes out what earlier measurements have left behind, so that the next one does not pay for it.</summary>
    public Task CheckpointAsync(CancellationToken cancellationToken) => ExecuteAsync(_connectionString, "checkpoint", cancellationToken);

    public Task ExecuteAsync(BenchSystem system, string sql, CancellationToken cancellationToken) =>
        ExecuteAsync(ConnectionStringOf(system), sql, cancellationToken);

    private static async Task ExecuteAsync(string connectionString, string sql, CancellationToken cancellationToken)
    {
        var unpooled = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, CommandTimeout = 300 };
        await using var connection = new NpgsqlConnection(unpooled.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static string Setting(string name) => Environment.GetEnvironmentVariable(name)
        ?? throw new InvalidOperationException($"{name} is not set. Run the benchmarks with 'bash tests/bench.sh'.");
}
