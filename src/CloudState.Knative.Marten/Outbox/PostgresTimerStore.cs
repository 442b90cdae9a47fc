using CloudState.Knative.Marten.Connection;
using CloudState.Knative.Marten.Sections;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Npgsql;

namespace CloudState.Knative.Marten.Outbox;

/// <summary>Reads and removes what is in the table of timers.</summary>
internal sealed class PostgresTimerStore(NpgsqlDataSource database, string schema) : ITimerStore
{
    private readonly string _due =
        $"""
        select id, entity_type, entity_id, slot, name, due_at, method, call
        from {schema}.{TimerSection.Name} join unnest($1, $2) as owned(entity_type, slot) using (entity_type, slot)
        where due_at < $3 order by due_at
        """;

    private readonly string _next =
        $"select min(due_at) from {schema}.{TimerSection.Name} join unnest($1, $2) as owned(entity_type, slot) using (entity_type, slot) where due_at >= $3";

    private readonly string _remove = $"delete from {schema}.{TimerSection.Name} where id = any($1)";

    public Task<ComingTimers> ReadAsync(
        IReadOnlyCollection<Slot> slots, DateTimeOffset before, CancellationToken cancellationToken) => MartenFailures.TranslateAsync(
        async () =>
        {
            await using var batch = database.CreateBatch();
            batch.BatchCommands.Add(new NpgsqlBatchCommand(_due) { Parameters = { Parameter.EntityTypes(slots), Parameter.Numbers(slots), Parameter.Time(before) } });
            batch.BatchCommands.Add(new NpgsqlBatchCommand(_next) { Parameters = { Parameter.EntityTypes(slots), Parameter.Numbers(slots), Parameter.Time(before) } });
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            var due = new List<StoredTimer>();
            while (await reader.ReadAsync(cancellationToken))
            {
                due.Add(new StoredTimer(
                    reader.GetGuid(0), new EntityId(reader.GetString(1), reader.GetString(2)), reader.GetInt32(3), reader.GetString(4),
                    reader.GetFieldValue<DateTimeOffset>(5), reader.GetString(6), UnsafeByteOperations.UnsafeWrap(reader.GetFieldValue<byte[]>(7))));
            }

            await reader.NextResultAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            return new ComingTimers(due, reader.IsDBNull(0) ? null : reader.GetFieldValue<DateTimeOffset>(0));
        },
        cancellationToken);

    public Task RemoveAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken) => database.ExecuteAsync(_remove, [Parameter.Ids(ids)], cancellationToken);
}
