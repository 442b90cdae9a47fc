using CloudState.Knative.Storage;

namespace CloudState.Knative.Sqlite;

/// <summary>The table of timers.</summary>
internal sealed class SqliteTimerStore(SqliteDatabase database) : ITimerStore
{
    public Task<ComingTimers> ReadAsync(
        IReadOnlyCollection<Slot> slots, DateTimeOffset before, CancellationToken cancellationToken) => database.ReadAsync(
        session =>
        {
            var due = new List<StoredTimer>();
            using (var row = session.Query("SELECT id, entity_type, entity_id, slot, name, due_at, method, call FROM timers WHERE due_at < $1 ORDER BY due_at", SqliteTime.ToText(before)))
            {
                while (row.Read())
                {
                    due.Add(new StoredTimer(
                        Guid.Parse(row.GetString(0)), new EntityId(row.GetString(1), row.GetString(2)), row.GetInt32(3), row.GetString(4), SqliteTime.Parse(row.GetString(5)),
                        row.GetString(6), SqliteQueries.Bytes(row, 7)));
                }
            }

            return new ComingTimers([.. due.Where(timer => slots.Contains(timer.Slot))], NextOf(session, slots, before));
        },
        cancellationToken);

    public Task RemoveAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken) =>
        database.WriteAsync(session => SqliteQueries.Remove(session, "timers", ids), cancellationToken);

    private static DateTimeOffset? NextOf(SqliteSession session, IReadOnlyCollection<Slot> slots, DateTimeOffset before)
    {
        using var row = session.Query("SELECT entity_type, slot, due_at FROM timers WHERE due_at >= $1 ORDER BY due_at", SqliteTime.ToText(before));
        while (row.Read())
        {
            if (slots.Contains(new Slot(row.GetString(0), row.GetInt32(1))))
            {
                return SqliteTime.Parse(row.GetString(2));
            }
        }

        return null;
    }
}
