using CloudState.Knative.Storage;

namespace CloudState.Knative.Sqlite;

/// <summary>The table of what is to be delivered.</summary>
internal sealed class SqliteOutboxStore(SqliteDatabase database) : IOutboxStore
{
    public Task<IReadOnlyList<OutboxEntry>> ReadAsync(IReadOnlyCollection<Slot> slots, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<OutboxEntry>>(
        session =>
        {
            var entries = new List<OutboxEntry>();
            using var row = session.Query("SELECT id, entity_type, entity_id, slot, method, call FROM outbox ORDER BY number");
            while (row.Read())
            {
                entries.Add(new OutboxEntry(
                    Guid.Parse(row.GetString(0)), new EntityId(row.GetString(1), row.GetString(2)), row.GetInt32(3), row.GetString(4), SqliteQueries.Bytes(row, 5)));
            }

            return [.. entries.Where(entry => slots.Contains(entry.Slot))];
        },
        cancellationToken);

    public Task RemoveAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken) =>
        database.WriteAsync(session => SqliteQueries.Remove(session, "outbox", ids), cancellationToken);
}
