using System.Text;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Sqlite;

/// <summary>Reads events by their positions, and numbers those that were stored before their type had a consumer, or by a former release.</summary>
internal sealed class SqliteJournalReader(SqliteDatabase database) : IJournalReader
{
    public async Task<IReadOnlyDictionary<int, long>> OpenAsync(
        string entityType, IReadOnlyCollection<int> slots, Func<string, int> slotOf, Guid? memberId, CancellationToken cancellationToken)
    {
        var last = new Dictionary<int, long>();
        await database.WriteAsync(session => session.InTransaction("BEGIN IMMEDIATE", () => Open(session, entityType, slots, slotOf, last)), cancellationToken);
        return last;
    }

    public Task MarkNumberedAsync(string entityType, IReadOnlyDictionary<int, long> positions, Guid? memberId, CancellationToken cancellationToken) =>
        database.WriteAsync(session => session.InTransaction("BEGIN IMMEDIATE", () => Mark(session, entityType, positions)), cancellationToken);

    public Task<IReadOnlyList<JournalEvent>> ReadAsync(
        string entityType, IReadOnlyDictionary<int, long> after, int maxCount, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<JournalEvent>>(
        session =>
        {
            var events = new List<JournalEvent>();
            foreach (var (slot, position) in after)
            {
                using var row = session.Query(
                    """
                    SELECT j.position, e.stream, e.version, e.type, e.data, e.at
                    FROM journal j JOIN events e ON e.stream = j.stream AND e.version = j.version
                    WHERE j.entity_type = $1 AND j.slot = $2 AND j.position > $3 ORDER BY j.position LIMIT $4
                    """,
                    entityType, slot, position, maxCount);
                while (row.Read())
                {
                    events.Add(new JournalEvent(
                        row.GetInt64(0), slot, new EntityId(entityType, row.GetString(1)[(entityType.Length + 1)..]), row.GetInt64(2), row.GetString(3),
                        Encoding.UTF8.GetBytes(row.GetString(4)), SqliteTime.Parse(row.GetString(5))));
                }
            }

            return events;
        },
        cancellationToken);

    public async Task<IReadOnlyDictionary<int, long>> ReadCheckpointsAsync(
        string consumer, string entityType, IReadOnlyCollection<int> slots, CancellationToken cancellationToken)
    {
        await database.WriteAsync(session => session.InTransaction("BEGIN IMMEDIATE", () => Convert(session, consumer, entityType)), cancellationToken);
        return await database.ReadAsync<IReadOnlyDictionary<int, long>>(
            session =>
            {
                var positions = new Dictionary<int, long>();
                using var row = session.Query("SELECT slot, position FROM checkpoints WHERE consumer = $1 AND entity_type = $2", consumer, entityType);
                while (row.Read())
                {
                    if (slots.Contains(row.GetInt32(0)))
                    {
                        positions.Add(row.GetInt32(0), row.GetInt64(1));
                    }
                }

                return positions;
            },
            cancellationToken);
    }

    public Task<IReadOnlyDictionary<int, long>> FindPositionsAsync(
        string entityType, IReadOnlyCollection<int> slots, DateTimeOffset before, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyDictionary<int, long>>(
        session => slots.ToDictionary(slot => slot, slot => session.Scalar(
            """
            SELECT max(j.position) FROM journal j JOIN events e ON e.stream = j.stream AND e.version = j.version
            WHERE j.entity_type = $1 AND j.slot = $2 AND e.at < $3
            """,
            entityType, slot, SqliteTime.ToText(before)) as long? ?? 0),
        cancellationToken);

    public Task SaveCheckpointsAsync(string consumer, string entityType, IReadOnlyDictionary<int, long> positions, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.InTransaction("BEGIN IMMEDIATE", () =>
        {
            foreach (var (slot, position) in positions)
            {
                Save(session, consumer, entityType, slot, position);
            }
        }),
        cancellationToken);

    private static void Open(SqliteSession session, string entityType, IReadOnlyCollection<int> slots, Func<string, int> slotOf, Dictionary<int, long> last)
    {
        var marks = new Dictionary<int, (long Number, long Position)>();
        foreach (var slot in slots)
        {
            marks[slot] = (
                session.Scalar("SELECT number FROM journal_slots WHERE entity_type = $1 AND slot = $2", entityType, slot) as long? ?? 0,
                session.Scalar("SELECT position FROM journal_slots WHERE entity_type = $1 AND slot = $2", entityType, slot) as long? ?? 0);
            last[slot] = session.Scalar("SELECT max(position) FROM journal WHERE entity_type = $1 AND slot = $2", entityType, slot) as long? ?? 0;
        }

        foreach (var (slot, stream, version) in MissingOf(session, entityType, marks, slotOf))
        {
            session.Execute("INSERT INTO journal (entity_type, slot, position, stream, version) VALUES ($1, $2, $3, $4, $5)", entityType, slot, ++last[slot], stream, version);
        }

        Mark(session, entityType, last);
    }

    /// <summary>The events after the marks that have no position after the marks.</summary>
    private static List<(int Slot, string Stream, long Version)> MissingOf(
        SqliteSession session, string entityType, Dictionary<int, (long Number, long Position)> marks, Func<string, int> slotOf)
    {
        var (missing, prefix) = (new List<(int Slot, string Stream, long Version)>(), $"{entityType}/");
        using var row = session.Query(
            """
            SELECT e.number, e.stream, e.version FROM events e
            LEFT JOIN journal j ON j.entity_type = $2 AND j.position > $3 AND j.stream = e.stream AND j.version = e.version
            WHERE e.number > $1 AND substr(e.stream, 1, length($4)) = $4 AND j.position IS NULL ORDER BY e.number
            """,
            marks.Values.Min(mark => mark.Number), entityType, marks.Values.Min(mark => mark.Position), prefix);
        while (row.Read())
        {
            var slot = slotOf(row.GetString(1)[prefix.Length..]);
            if (marks.TryGetValue(slot, out var mark) && row.GetInt64(0) > mark.Number)
            {
                missing.Add((slot, row.GetString(1), row.GetInt64(2)));
            }
        }

        return missing;
    }

    private static void Mark(SqliteSession session, string entityType, IReadOnlyDictionary<int, long> positions)
    {
        foreach (var (slot, position) in positions)
        {
            session.Execute(
                """
                INSERT INTO journal_slots (entity_type, slot, number, position) VALUES ($1, $2, (SELECT coalesce(max(number), 0) FROM events), $3)
                ON CONFLICT (entity_type, slot) DO UPDATE SET number = excluded.number, position = excluded.position
                """,
                entityType, slot, position);
        }
    }

    /// <summary>Checkpoints of a former release are numbers among the events of all entities.</summary>
    private static void Convert(SqliteSession session, string consumer, string entityType)
    {
        var former = new List<(int Slot, long Number)>();
        using (var row = session.Query("DELETE FROM positions WHERE consumer = $1 AND entity_type = $2 RETURNING slot, position", consumer, entityType))
        {
            while (row.Read())
            {
                former.Add((row.GetInt32(0), row.GetInt64(1)));
            }
        }

        foreach (var (slot, number) in former)
        {
            var position = session.Scalar(
                """
                SELECT max(j.position) FROM journal j JOIN events e ON e.stream = j.stream AND e.version = j.version
                WHERE j.entity_type = $1 AND j.slot = $2 AND e.number <= $3
                """,
                entityType, slot, number) as long? ?? 0;
            Save(session, consumer, entityType, slot, position);
        }
    }

    private static void Save(SqliteSession session, string consumer, string entityType, int slot, long position) => session.Execute(
        """
        INSERT INTO checkpoints (consumer, entity_type, slot, position) VALUES ($1, $2, $3, $4)
        ON CONFLICT (consumer, entity_type, slot) DO UPDATE SET position = max(position, excluded.position)
        """,
        consumer, entityType, slot, position);
}
