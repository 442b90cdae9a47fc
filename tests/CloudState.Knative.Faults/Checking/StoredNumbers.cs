using Npgsql;

namespace CloudState.Knative.Faults.Checking;

/// <summary>Reads what the pods have stored, past them.</summary>
internal sealed class StoredNumbers(string connectionString) : IAsyncDisposable
{
    private static readonly TimeSpan LookPause = TimeSpan.FromMilliseconds(500);

    private readonly NpgsqlDataSource _database = NpgsqlDataSource.Create(connectionString);

    /// <summary>The numbers in the events of all entities of a type, in order, and when they were stored; by entity id.</summary>
    public async Task<Dictionary<string, List<(int Number, DateTime At)>>> ReadAsync(string entityType, CancellationToken cancellationToken)
    {
        await using var command = _database.CreateCommand(
            "select substr(stream_id, length($1) + 1), coalesce((data ->> 'number')::int, 0), timestamp from mt_events where starts_with(stream_id, $1) order by stream_id, version");
        command.Parameters.Add(new NpgsqlParameter { Value = $"{entityType}/" });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var byId = new Dictionary<string, List<(int, DateTime)>>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var id = reader.GetString(0);
            if (!byId.TryGetValue(id, out var numbers))
            {
                byId.Add(id, numbers = []);
            }

            numbers.Add((reader.GetInt32(1), reader.GetDateTime(2)));
        }

        return byId;
    }

    public async Task<long> CountAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = _database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Counts until nothing is left, for a while; returns what is left.</summary>
    public async Task<long> CountDownAsync(string sql, TimeSpan patience, CancellationToken cancellationToken)
    {
        for (var looks = (int)(patience / LookPause); ; looks--)
        {
            var count = await CountAsync(sql, cancellationToken);
            if (count == 0 || looks <= 0)
            {
                return count;
            }

            await Task.Delay(LookPause, cancellationToken);
        }
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();
}
