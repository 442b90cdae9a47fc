using CloudState.Knative.Marten.Connection;
using CloudState.Knative.Marten.Sections;
using CloudState.Knative.Storage;
using Npgsql;

namespace CloudState.Knative.Marten.Journal;

/// <summary>Reads events by their positions, which <see cref="JournalSection"/> stores beside Marten's table of events.</summary>
internal sealed class PostgresJournalReader(NpgsqlDataSource database, string schema, SlotNumbering numbering) : IJournalReader
{
    private readonly string _read =
        $"""
        select j.slot, j.position, e.stream_id, e.version, e.type, e.data, e.timestamp
        from unnest($2, $3) as s(slot, after)
        cross join lateral (
          select slot, position, stream_id, version from {schema}.{JournalSection.Name}
          where entity_type = $1 and slot = s.slot and position > s.after order by position limit $4) j
        join {schema}.mt_events e on e.stream_id = j.stream_id and e.version = j.version
        order by j.slot, j.position
        """;

    private readonly string _checkpoints = $"select slot, position from {schema}.{JournalTables.Checkpoints} where consumer = $1 and entity_type = $2 and slot = any($3)";

    private readonly string _save =
        $"""
        insert into {schema}.{JournalTables.Checkpoints} as c (consumer, entity_type, slot, position)
        select $1, $2, slot, position from unnest($3, $4) as s(slot, position) order by slot
        on conflict (consumer, entity_type, slot) do update set position = greatest(c.position, excluded.position)
        """;

    // Checkpoints of a former release are numbers of Marten's table: what a consumer has done are the events of the slot up to there.
    private readonly string _convert =
        $"""
        with former as (
          delete from {schema}.{JournalTables.FormerCheckpoints} where consumer = $1 and entity_type = $2 and slot = any($3)
          returning slot, position)
        insert into {schema}.{JournalTables.Checkpoints} as c (consumer, entity_type, slot, position)
        select $1, $2, f.slot, coalesce((
          select max(j.position) from {schema}.{JournalSection.Name} j join {schema}.mt_events e on e.stream_id = j.stream_id and e.version = j.version
          where j.entity_type = $2 and j.slot = f.slot and e.seq_id <= f.position), 0)
        from former f order by f.slot
        on conflict (consumer, entity_type, slot) do update set position = greatest(c.position, excluded.position)
        """;

    private readonly string _before =
        $"""
        select j.slot, max(j.position)
        from {schema}.{JournalSection.Name} j join {schema}.mt_events e on e.stream_id = j.stream_id and e.version = j.version
        where j.entity_type = $1 and j.slot = any($2) and e.timestamp < $3 group by j.slot
        """;

    public Task<IReadOnlyDictionary<int, long>> OpenAsync(
        string entityType, IReadOnlyCollection<int> slots, Func<string, int> slotOf, Guid? memberId, CancellationToken cancellationToken) =>
        MartenFailures.TranslateAsync(() => numbering.OpenAsync(entityType, slots, slotOf, memberId, cancellationToken), cancellationToken, WorkKind.Append);

    public Task MarkNumberedAsync(string entityType, IReadOnlyDictionary<int, long> positions, Guid? memberId, CancellationToken cancellationToken) =>
        MartenFailures.TranslateAsync(() => numbering.MarkAsync(entityType, positions, memberId, cancellationToken), cancellationToken);

    public Task<IReadOnlyList<JournalEvent>> ReadAsync(
        string entityType, IReadOnlyDictionary<int, long> after, int maxCount, CancellationToken cancellationToken) => database.ReadAsync(
        _read,
        [Parameter.Text(entityType), Parameter.Integers(after.Keys), Parameter.Longs(after.Values), Parameter.Integer(maxCount)],
        row => new JournalEvent(
            row.GetInt64(1), row.GetInt32(0), new EntityId(entityType, row.GetString(2)[(entityType.Length + 1)..]), row.GetInt64(3), row.GetString(4),
            row.GetFieldValue<byte[]>(5), row.GetFieldValue<DateTimeOffset>(6)),
        cancellationToken);

    public async Task<IReadOnlyDictionary<int, long>> ReadCheckpointsAsync(
        string consumer, string entityType, IReadOnlyCollection<int> slots, CancellationToken cancellationToken)
    {
        await database.ExecuteAsync(_convert, Parameters(), cancellationToken);
        return await ReadPositionsAsync(_checkpoints, Parameters(), cancellationToken);

        NpgsqlParameter[] Parameters() => [Parameter.Text(consumer), Parameter.Text(entityType), Parameter.Integers(slots)];
    }

    public Task<IReadOnlyDictionary<int, long>> FindPositionsAsync(
        string entityType, IReadOnlyCollection<int> slots, DateTimeOffset before, CancellationToken cancellationToken) =>
        ReadPositionsAsync(_before, [Parameter.Text(entityType), Parameter.Integers(slots), Parameter.Time(before)], cancellationToken);

    public Task SaveCheckpointsAsync(string consumer, string entityType, IReadOnlyDictionary<int, long> positions, CancellationToken cancellationToken) =>
        database.ExecuteAsync(
            _save, [Parameter.Text(consumer), Parameter.Text(entityType), Parameter.Integers(positions.Keys), Parameter.Longs(positions.Values)], cancellationToken);

    private async Task<IReadOnlyDictionary<int, long>> ReadPositionsAsync(string sql, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        var rows = await database.ReadAsync(sql, parameters, row => (Slot: row.GetInt32(0), Position: row.GetInt64(1)), cancellationToken);
        return rows.ToDictionary(row => row.Slot, row => row.Position);
    }
}
