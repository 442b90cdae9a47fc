using System.Text;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Sqlite;

/// <summary>The table of events by their numbers. One transaction writes at a time, so that a number that is missing will never come.</summary>
internal sealed class SqliteJournalReader(SqliteDatabase database) : IJournalReader
{
    public Task<JournalBatch> ReadAsync(string entityType, long after, int maxCount, CancellationToken cancellationToken) => database.ReadAsync(
        session =>
        {
            var (events, position, count, prefix) = (new List<JournalEvent>(), after, 0, $"{entityType}/");
            using var row = session.Query("SELECT number, stream, version, type, data, at FROM events WHERE number > $1 ORDER BY number LIMIT $2", after, maxCount);
            while (row.Read())
            {
                (position, count) = (row.GetInt64(0), count + 1);
                if (row.GetString(1) is var stream && stream.StartsWith(prefix, StringComparison.Ordinal))
                {
                    events.Add(new JournalEvent(
                        position, new EntityId(entityType, stream[prefix.Length..]), row.GetInt64(2), row.GetString(3), Encoding.UTF8.GetBytes(row.GetString(4)), SqliteTime.Parse(row.GetString(5))));
                }
            }

            return new JournalBatch(events, position, count == maxCount);
        },
        cancellationToken);

    public Task<IReadOnlyDictionary<int, long>> ReadPositionsAsync(string consumer, string entityType, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyDictionary<int, long>>(
        session =>
        {
            var positions = new Dictionary<int, long>();
            using var row = session.Query("SELECT slot, position FROM positions WHERE consumer = $1 AND entity_type = $2", consumer, entityType);
            while (row.Read())
            {
                positions.Add(row.GetInt32(0), row.GetInt64(1));
            }

            return positions;
        },
        cancellationToken);

    public Task SavePositionsAsync(string consumer, string entityType, IReadOnlyDictionary<int, long> positions, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.InTransaction("BEGIN IMMEDIATE", () =>
        {
            foreach (var (slot, position) in positions)
            {
                session.Execute("""
                    INSERT INTO positions (consumer, entity_type, slot, position) VALUES ($1, $2, $3, $4)
                    ON CONFLICT (consumer, entity_type, slot) DO UPDATE SET position = max(position, excluded.position)
                    """,
                    consumer, entityType, slot, position);
            }
        }),
        cancellationToken);
}
