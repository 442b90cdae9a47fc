using CloudState.Knative.Marten.Connection;
using CloudState.Knative.Marten.Sections;
using CloudState.Knative.Storage;
using Npgsql;

namespace CloudState.Knative.Marten.Load;

/// <summary>What is in the <see cref="ReplicaTables"/>.</summary>
internal sealed class PostgresReplicaStore(NpgsqlDataSource database, string schema, EntityReader reader) : IReplicaStore
{
    // By now(): an index is of no use for what a volatile function such as clock_timestamp() says.
    private readonly string _news =
        $"""
        select substr(stream, length($1) + 1), epoch, seat, max(number) from (
          select stream, epoch, seat, last as number from {schema}.{ReplicaTables.Deltas} where stored_at >= now() - $2 and starts_with(stream, $1)
          union all
          select stream, epoch, coalesce(folded.seat, 0), coalesce(folded.number, 0)
          from {schema}.{ReplicaTables.Values} left join lateral unnest(seats, numbers) as folded(seat, number) on true
          where changed_at >= now() - $2 and starts_with(stream, $1)) news
        group by stream, epoch, seat
        """;

    // Rows that another process works on are left for the next time.
    private readonly string _lockDeleted = $"select stream from {schema}.{ReplicaTables.Values} where state is null and changed_at < $1 for update skip locked";

    private readonly string _forget =
        $"""
        with forgotten as (
          delete from {schema}.{ReplicaTables.Values} r
          where r.stream = any($1) and not exists (select from {schema}.{ReplicaTables.Deltas} d where d.stream = r.stream and d.epoch = r.epoch)
          returning r.stream)
        delete from {schema}.{ReplicaTables.Deltas} d using forgotten f where d.stream = f.stream
        """;

    public Task<IReadOnlyList<ReplicaNews>> FindNewsAsync(string entityType, TimeSpan within, CancellationToken cancellationToken) => database.ReadAsync(
        _news,
        [Parameter.Text($"{entityType}/"), new NpgsqlParameter<TimeSpan> { TypedValue = within }],
        row => new ReplicaNews(row.GetString(0), row.GetInt64(1), row.GetInt32(2), row.GetInt64(3)),
        cancellationToken);

    public Task<IReadOnlyList<StoredReplica>> ReadAsync(string entityType, IReadOnlyList<string> keys, CancellationToken cancellationToken) =>
        MartenFailures.TranslateAsync<IReadOnlyList<StoredReplica>>(
            async () =>
            {
                var values = await reader.ReadReplicasAsync([.. keys.Select(key => new EntityId(entityType, key).ToString())], cancellationToken);
                return [.. values.Select(rows => rows.ToReplica())];
            },
            cancellationToken);

    /// <summary>Removes values that are only deletions. A delta that is written meanwhile needs the row: both lock it, and only then it is clear if there are deltas.</summary>
    public async Task ForgetAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var streams = new List<string>();
        await using (var locking = new NpgsqlCommand(_lockDeleted, connection, transaction) { Parameters = { Parameter.Time(before) } })
        {
            await using var row = await locking.ExecuteReaderAsync(cancellationToken);
            while (await row.ReadAsync(cancellationToken))
            {
                streams.Add(row.GetString(0));
            }
        }

        if (streams.Count > 0)
        {
            await using var forgetting = new NpgsqlCommand(_forget, connection, transaction) { Parameters = { Parameter.Texts(streams) } };
            await forgetting.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }
}
