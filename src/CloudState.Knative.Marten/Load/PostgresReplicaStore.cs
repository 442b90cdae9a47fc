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
}
