using CloudState.Knative.Marten.Connection;
using CloudState.Knative.Marten.Schema;
using CloudState.Knative.Storage;
using Npgsql;
using NpgsqlTypes;

namespace CloudState.Knative.Marten.Journal;

/// <summary>Reads Marten's table of events in the order of its sequence numbers.</summary>
/// <remarks>
/// A transaction takes its numbers when it writes and shows its events when it commits, so that numbers can turn up late, or never when it was rolled back. A missing
/// number is therefore not passed over before it is decided: every transaction that could have it, because it was writing to the table when a higher number was seen, has ended.
/// Example: 7 and 9 are there. Whoever writes at that moment is listed (PostgreSQL shows in pg_locks who holds the lock that writers take); 7 is returned at once, 9 when the last of
/// the list has ended: with 8, if that was committed. No clock and no waiting time is involved.
/// </remarks>
internal sealed class PostgresJournalReader(NpgsqlDataSource database, string schema) : IJournalReader
{
    private const int WriterLooks = 20;
    private static readonly TimeSpan WriterPause = TimeSpan.FromMilliseconds(5);

    private readonly string _read =
        $"""
        select seq_id, starts_with(stream_id, $3), case when starts_with(stream_id, $3) then substr(stream_id, length($3) + 1) end, version, type,
          case when starts_with(stream_id, $3) then data end, timestamp
        from {schema}.mt_events where seq_id > $1 and seq_id <= $4 order by seq_id limit $2
        """;

    // Read in this order: whoever has taken a number up to the last one is still writing then, or has ended.
    private readonly string _lastNumber = $"select case when is_called then last_value else 0 end from {schema}.mt_events_sequence";

    private readonly string _writers =
        $"""
        select virtualtransaction from pg_locks
        where locktype = 'relation' and relation = '{schema}.mt_events'::regclass and mode = 'RowExclusiveLock'
          and database = (select oid from pg_database where datname = current_database())
        """;

    private readonly string _positions = $"select slot, position from {schema}.{PositionTable.Name} where consumer = $1 and entity_type = $2";

    private readonly string _savePositions =
        $"""
        insert into {schema}.{PositionTable.Name} as p (consumer, entity_type, slot, position)
        select $1, $2, slot, position from unnest($3, $4) as s(slot, position) order by slot
        on conflict (consumer, entity_type, slot) do update set position = greatest(p.position, excluded.position)
        """;

    // All numbers up to this one are decided.
    private long _decided;

    public Task<JournalBatch> ReadAsync(string entityType, long after, int maxCount, CancellationToken cancellationToken) =>
        MartenFailures.TranslateAsync(() => ReadDecidedAsync(entityType, after, maxCount, cancellationToken), cancellationToken);

    public async Task<IReadOnlyDictionary<int, long>> ReadPositionsAsync(string consumer, string entityType, CancellationToken cancellationToken)
    {
        var rows = await database.ReadAsync(
            _positions, [Parameter.Text(consumer), Parameter.Text(entityType)], reader => (Slot: reader.GetInt32(0), Position: reader.GetInt64(1)), cancellationToken);
        return rows.ToDictionary(row => row.Slot, row => row.Position);
    }

    public Task SavePositionsAsync(string consumer, string entityType, IReadOnlyDictionary<int, long> positions, CancellationToken cancellationToken) => database.ExecuteAsync(
        _savePositions, [Parameter.Text(consumer), Parameter.Text(entityType), Parameter.Integers(positions.Keys), Parameter.Longs(positions.Values)], cancellationToken);

    private async Task<JournalBatch> ReadDecidedAsync(string entityType, long after, int maxCount, CancellationToken cancellationToken)
    {
        // 1. What is there, up to the first number that is missing and not decided.
        var (events, position, count, isCut) = await ReadAsync(entityType, after, maxCount, long.MaxValue, cancellationToken);
        if (!isCut)
        {
            return new JournalBatch(events, position, count == maxCount);
        }

        // 2. That number is decided when those have ended who could have it. Nobody waits for them longer than for what is there.
        if (await DecideAsync(mayWait: count == 0, cancellationToken) is not { } decided)
        {
            return new JournalBatch(events, position, MayHaveMore: true);
        }

        // 3. What is there now of the decided numbers is all that will ever be.
        (events, position, count, _) = await ReadAsync(entityType, after, maxCount, decided, cancellationToken);
        return new JournalBatch(events, count == maxCount ? position : decided, MayHaveMore: true);
    }

    private async Task<(List<JournalEvent> Events, long Position, int Count, bool IsCut)> ReadAsync(
        string entityType, long after, int maxCount, long upTo, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(_read);
        command.Parameters.Add(Parameter.Long(after));
        command.Parameters.Add(Parameter.Integer(maxCount));
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = $"{entityType}/", NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(Parameter.Long(upTo));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var (events, position, count, decided) = (new List<JournalEvent>(), after, 0, Volatile.Read(ref _decided));
        while (await reader.ReadAsync(cancellationToken))
        {
            var number = reader.GetInt64(0);
            if (number > position + 1 && number - 1 > decided)
            {
                return (events, position, count, IsCut: true);
            }

            (position, count) = (number, count + 1);
            if (reader.GetBoolean(1))
            {
                events.Add(new JournalEvent(
                    number, new EntityId(entityType, reader.GetString(2)), reader.GetInt64(3), reader.GetString(4), reader.GetFieldValue<byte[]>(5),
                    reader.GetFieldValue<DateTimeOffset>(6)));
            }
        }

        return (events, position, count, IsCut: false);
    }

    /// <summary>Returns up to which number all are decided; null when somebody is still writing who was when this began.</summary>
    private async Task<long?> DecideAsync(bool mayWait, CancellationToken cancellationToken)
    {
        var (lastNumber, writers) = await ReadWritersAsync(cancellationToken);
        for (var look = 0; writers.Count > 0; look++)
        {
            if (!mayWait || look == WriterLooks)
            {
                return null;
            }

            await Task.Delay(WriterPause, cancellationToken);
            writers.IntersectWith((await ReadWritersAsync(cancellationToken)).Writers);
        }

        var decided = Volatile.Read(ref _decided);
        while (decided < lastNumber && Interlocked.CompareExchange(ref _decided, lastNumber, decided) is var other && other != decided)
        {
            decided = other;
        }

        return lastNumber;
    }

    private async Task<(long LastNumber, HashSet<string> Writers)> ReadWritersAsync(CancellationToken cancellationToken)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(_lastNumber));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(_writers));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var lastNumber = reader.GetInt64(0);
        await reader.NextResultAsync(cancellationToken);
        var writers = new HashSet<string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            writers.Add(reader.GetString(0));
        }

        return (lastNumber, writers);
    }
}
