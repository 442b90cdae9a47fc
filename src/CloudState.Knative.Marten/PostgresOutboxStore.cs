using CloudState.Knative.Ownership;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Npgsql;

namespace CloudState.Knative.Marten;

/// <summary>Reads and empties the <see cref="OutboxTable"/>.</summary>
internal sealed class PostgresOutboxStore(NpgsqlDataSource database, string schema) : IOutboxStore
{
    private readonly string _read =
        $"""
        select id, entity_type, entity_id, slot, method, call
        from {schema}.{OutboxTable.Name} join unnest($1, $2) as owned(entity_type, slot) using (entity_type, slot)
        order by number
        """;

    private readonly string _remove = $"delete from {schema}.{OutboxTable.Name} where id = any($1)";

    public Task<IReadOnlyList<OutboxEntry>> ReadAsync(IReadOnlyCollection<Slot> slots, CancellationToken cancellationToken) => MartenFailures.TranslateAsync<IReadOnlyList<OutboxEntry>>(
        async () =>
        {
            await using var command = database.CreateCommand(_read);
            command.Parameters.Add(Parameter.EntityTypes(slots));
            command.Parameters.Add(Parameter.Numbers(slots));
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var entries = new List<OutboxEntry>();
            while (await reader.ReadAsync(cancellationToken))
            {
                entries.Add(new OutboxEntry(
                    reader.GetGuid(0), new EntityKey(reader.GetString(1), reader.GetString(2)), reader.GetInt32(3), reader.GetString(4),
                    UnsafeByteOperations.UnsafeWrap(reader.GetFieldValue<byte[]>(5))));
            }

            return entries;
        },
        cancellationToken);

    public Task RemoveAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken) => MartenFailures.TranslateAsync(
        async () =>
        {
            await using var command = database.CreateCommand(_remove);
            command.Parameters.Add(Parameter.Ids(ids));
            return await command.ExecuteNonQueryAsync(cancellationToken);
        },
        cancellationToken);
}
