using Npgsql;

namespace CloudState.Knative.Faults.Checking;

/// <summary>One event of a cart as PostgreSQL has it.</summary>
internal sealed record StoredCloudEvent(long Version, string Item);

/// <summary>Reads the streams, past the service.</summary>
internal sealed class StoredStream(string connectionString) : IAsyncDisposable
{
    private readonly NpgsqlDataSource _database = NpgsqlDataSource.Create(connectionString);

    public static string NameOf(string key) => $"shopping-cart/{key}";

    /// <summary>The events of one cart. The nemesis may have the server down at the moment: tries again for a minute.</summary>
    public Task<List<StoredCloudEvent>> ReadAsync(string key, CancellationToken cancellationToken) => RetryAsync(
        "select version, coalesce(data #>> '{item,productId}', type) from mt_events where stream_id = $1 order by version",
        command => command.Parameters.Add(new NpgsqlParameter { Value = NameOf(key) }),
        row => new StoredCloudEvent(row.GetInt64(0), row.GetString(1)),
        cancellationToken);

    /// <summary>Streams that have an item twice or a gap, in whatever came after they were verified.</summary>
    public Task<List<string>> FindBrokenAsync(CancellationToken cancellationToken) => RetryAsync(
        """
        select stream_id from mt_events where stream_id like 'shopping-cart/%' group by stream_id
        having count(*) <> count(distinct data #>> '{item,productId}') or count(*) <> max(version) or count(*) <> count(distinct version)
        """,
        _ => { },
        row => row.GetString(0),
        cancellationToken);

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    private async Task<List<T>> RetryAsync<T>(string sql, Action<NpgsqlCommand> configure, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var command = _database.CreateCommand(sql);
                configure(command);
                await using var reader = await command.ExecuteReaderAsync(cancellationToken);
                var rows = new List<T>();
                while (await reader.ReadAsync(cancellationToken))
                {
                    rows.Add(read(reader));
                }

                return rows;
            }
            catch (NpgsqlException) when (attempt < 60)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
            }
        }
    }
}
