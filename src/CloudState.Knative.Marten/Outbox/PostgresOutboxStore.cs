using CloudState.Knative.Marten.Connection;
using CloudState.Knative.Marten.Sections;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Npgsql;

namespace CloudState.Knative.Marten.Outbox;

/// <summary>Reads and empties the outbox.</summary>
internal sealed class PostgresOutboxStore(NpgsqlDataSource database, string schema) : IOutboxStore
{
    private readonly string _read =
        $"""
        select id, entity_type, entity_id, slot, method, call
        from {schema}.{OutboxSection.Name} join unnest($1, $2) as owned(entity_type, slot) using (entity_type, slot)
        order by number
        """;

    private readonly string _remove = $"delete from {schema}.{OutboxSection.Name} where id = any($1)";

    public Task<IReadOnlyList<OutboxEntry>> ReadAsync(IReadOnlyCollection<Slot> slots, CancellationToken cancellationToken) => database.ReadAsync(
        _read,
        [Parameter.EntityTypes(slots), Parameter.Numbers(slots)],
        reader => new OutboxEntry(
            reader.GetGuid(0), new EntityId(reader.GetString(1), reader.GetString(2)), reader.GetInt32(3), reader.GetString(4),
            UnsafeByteOperations.UnsafeWrap(reader.GetFieldValue<byte[]>(5))),
        cancellationToken);

    public Task RemoveAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken) => database.ExecuteAsync(_remove, [Parameter.Ids(ids)], cancellationToken);
}
