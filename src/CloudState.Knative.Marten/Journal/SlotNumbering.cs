using System.Collections.Concurrent;
using CloudState.Knative.Marten.Cluster;
using CloudState.Knative.Marten.Connection;
using CloudState.Knative.Marten.Sections;
using CloudState.Knative.Storage;
using Npgsql;
using NpgsqlTypes;

namespace CloudState.Knative.Marten.Journal;

/// <summary>Gives positions to events that were stored without: before their type had a consumer, by a release that did not number, or by plain Marten code.</summary>
/// <remarks>
/// Only the owner of a slot numbers: nothing is under way in the slot then, and every transaction here holds the lock of the fence. For each slot a mark says up to which event of
/// Marten's table it is numbered, and which position that led to. What is to be done is found from there: the events of the slot after the mark that are not among its positions
/// after the mark. Example: slot 7 is marked at event 900 with position 40. After that there are the events 905 and 930, and position 41, which is that of 905: so 930 becomes 42.
/// The owner moves the marks on every now and then, so that its successor has to look at little; but never past events that plain Marten code has stored and that have no
/// position. A mark is moved to where it was the time before, so that transactions that were open then have ended. If one stays open for longer, its events get their positions
/// when their entities are loaded.
/// </remarks>
internal sealed class SlotNumbering(NpgsqlDataSource database, string schema, MemberTables members)
{
    private const int PageSize = 10_000;
    private readonly ConcurrentDictionary<string, Mark> _marked = new();
    private readonly ConcurrentDictionary<string, Mark> _seen = new();

    private readonly string _fence = $"select 1 from {members.Members} where member_id = $1 for key share";

    // The sequence is read first: every event of the slots that is there now has a lower number, or is found in the table.
    private readonly string _lastEvent = $"select case when is_called then last_value else 0 end from {schema}.mt_events_sequence";

    private readonly string _slots =
        $"""
        select s.slot, coalesce(m.seq_id, 0), coalesce(m.position, 0),
          coalesce((select max(j.position) from {schema}.{JournalSection.Name} j where j.entity_type = $1 and j.slot = s.slot), 0)
        from unnest($2) as s(slot) left join {schema}.{JournalTables.Slots} m on m.entity_type = $1 and m.slot = s.slot
        """;

    private readonly string _numbered =
        $"""
        select j.stream_id, j.version from unnest($2, $3) as s(slot, after)
        join {schema}.{JournalSection.Name} j on j.entity_type = $1 and j.slot = s.slot and j.position > s.after
        """;

    private readonly string _page =
        $"""
        select seq_id, stream_id, version, coalesce(mt_dotnet_type, '') <> '' from {schema}.mt_events
        where seq_id > $1 and seq_id <= $2 and starts_with(stream_id, $3) order by seq_id limit $4
        """;

    private readonly string _unnumbered =
        $"""
        select 1 from {schema}.mt_events
        where seq_id > $1 and seq_id <= $2 and starts_with(stream_id, $3) and coalesce(mt_dotnet_type, '') <> '' limit 1
        """;

    private readonly string _insert =
        $"insert into {schema}.{JournalSection.Name} ({JournalSection.Columns}) select $1, j.* from unnest($2, $3, $4, $5) as j(slot, position, stream_id, version)";

    private readonly string _adopt =
        $"""
        update {schema}.mt_events e set mt_dotnet_type = '' from unnest($1, $2) as a(stream, version)
        where e.stream_id = a.stream and e.version = a.version
        """;

    private readonly string _mark =
        $"""
        insert into {schema}.{JournalTables.Slots} as m (entity_type, slot, seq_id, position)
        select $1, s.slot, $4, s.position from unnest($2, $3) as s(slot, position) order by s.slot
        on conflict (entity_type, slot) do update set seq_id = greatest(m.seq_id, excluded.seq_id), position = greatest(m.position, excluded.position)
        """;

    /// <summary>Numbers what has no position, and returns the last position of each slot.</summary>
    /// <exception cref="FencedException">The member is gone.</exception>
    public async Task<IReadOnlyDictionary<int, long>> OpenAsync(
        string entityType, IReadOnlyCollection<int> slots, Func<string, int> slotOf, Guid? memberId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var upTo = await ScalarAsync(connection, _lastEvent, cancellationToken);
        var states = await ReadSlotsAsync(connection, entityType, slots, cancellationToken);
        var after = states.Values.Min(state => state.MarkedEvent);
        if (after < upTo)
        {
            var numbered = await ReadNumberedAsync(connection, entityType, states, cancellationToken);
            while (true)
            {
                var page = await ReadPageAsync(connection, entityType, after, upTo, cancellationToken);
                var missing = page
                    .Select(row => (Event: row, Slot: slotOf(row.Stream[(entityType.Length + 1)..])))
                    .Where(row => states.TryGetValue(row.Slot, out var state) && row.Event.Number > state.MarkedEvent && !numbered.Contains((row.Event.Stream, row.Event.Version)))
                    .ToArray();
                if (missing.Length > 0)
                {
                    await NumberAsync(connection, entityType, missing, states, memberId, cancellationToken);
                }

                if (page.Count < PageSize)
                {
                    break;
                }

                after = page[^1].Number;
            }

            await MarkAsync(connection, entityType, states.ToDictionary(state => state.Key, state => state.Value.Last), upTo, memberId, cancellationToken);
        }

        var mark = new Mark(memberId, new Dictionary<int, long>(), upTo);
        _marked.AddOrUpdate(entityType, mark, (_, known) => known.Member == memberId ? known : mark);
        return states.ToDictionary(state => state.Key, state => state.Value.Last);
    }

    /// <summary>Moves the marks of slots on, to where they were at the last call. Does nothing if the member is gone: another one may have appended since without numbering.</summary>
    /// <returns>Whether they have moved.</returns>
    public async Task<bool> MarkAsync(string entityType, IReadOnlyDictionary<int, long> positions, Guid? memberId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        // After the positions, which the caller has read: all events up to them have lower numbers.
        var now = new Mark(memberId, positions, await ScalarAsync(connection, _lastEvent, cancellationToken));
        var before = _seen.GetValueOrDefault(entityType);
        _seen[entityType] = now;
        if (before is null || before.Member != memberId || _marked.GetValueOrDefault(entityType) is not { } marked || marked.Member != memberId
            || before.Event == marked.Event || await HasUnnumberedAsync(connection, entityType, marked.Event, before.Event, cancellationToken))
        {
            return false;
        }

        try
        {
            var owned = before.Positions.Where(slot => positions.ContainsKey(slot.Key)).ToDictionary();
            await MarkAsync(connection, entityType, owned, before.Event, memberId, cancellationToken);
            _marked[entityType] = before;
            return true;
        }
        catch (FencedException)
        {
            return false;
        }
    }

    /// <summary>Whether plain Marten code has stored events that have no position yet; marks have to stay before them.</summary>
    private async Task<bool> HasUnnumberedAsync(NpgsqlConnection connection, string entityType, long after, long upTo, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(_unnumbered, connection)
        {
            Parameters = { Parameter.Long(after), Parameter.Long(upTo), PrefixOf(entityType) },
        };
        return await command.ExecuteScalarAsync(cancellationToken) is not null;
    }

    private async Task NumberAsync(
        NpgsqlConnection connection,
        string entityType,
        IReadOnlyList<(EventRow Event, int Slot)> missing,
        Dictionary<int, SlotState> states,
        Guid? memberId,
        CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await FenceAsync(connection, memberId, cancellationToken);
        await using var insert = new NpgsqlCommand(_insert, connection);
        insert.Parameters.Add(Parameter.Text(entityType));
        insert.Parameters.Add(Parameter.Integers(missing.Select(row => row.Slot)));
        insert.Parameters.Add(Parameter.Longs([.. missing.Select(row => ++states[row.Slot].Last)]));
        insert.Parameters.Add(Parameter.Texts(missing.Select(row => row.Event.Stream)));
        insert.Parameters.Add(Parameter.Longs(missing.Select(row => row.Event.Version)));
        await insert.ExecuteNonQueryAsync(cancellationToken);
        if (missing.Any(row => row.Event.IsAdopted))
        {
            await using var adopt = new NpgsqlCommand(_adopt, connection);
            adopt.Parameters.Add(Parameter.Texts(missing.Where(row => row.Event.IsAdopted).Select(row => row.Event.Stream)));
            adopt.Parameters.Add(Parameter.Longs(missing.Where(row => row.Event.IsAdopted).Select(row => row.Event.Version)));
            await adopt.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    private async Task MarkAsync(
        NpgsqlConnection connection, string entityType, IReadOnlyDictionary<int, long> positions, long upTo, Guid? memberId, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await FenceAsync(connection, memberId, cancellationToken);
        await using var mark = new NpgsqlCommand(_mark, connection);
        mark.Parameters.Add(Parameter.Text(entityType));
        mark.Parameters.Add(Parameter.Integers(positions.Keys));
        mark.Parameters.Add(Parameter.Longs(positions.Values));
        mark.Parameters.Add(Parameter.Long(upTo));
        await mark.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    private async Task FenceAsync(NpgsqlConnection connection, Guid? memberId, CancellationToken cancellationToken)
    {
        if (memberId is { } member)
        {
            await using var fence = new NpgsqlCommand(_fence, connection) { Parameters = { new NpgsqlParameter<Guid> { TypedValue = member } } };
            if (await fence.ExecuteScalarAsync(cancellationToken) is null)
            {
                throw PostgresMemberStore.Fenced(member);
            }
        }
    }

    private async Task<Dictionary<int, SlotState>> ReadSlotsAsync(
        NpgsqlConnection connection, string entityType, IReadOnlyCollection<int> slots, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(_slots, connection) { Parameters = { Parameter.Text(entityType), Parameter.Integers(slots) } };
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var states = new Dictionary<int, SlotState>();
        while (await row.ReadAsync(cancellationToken))
        {
            states.Add(row.GetInt32(0), new SlotState(row.GetInt64(1), row.GetInt64(2)) { Last = row.GetInt64(3) });
        }

        return states;
    }

    private async Task<HashSet<(string Stream, long Version)>> ReadNumberedAsync(
        NpgsqlConnection connection, string entityType, Dictionary<int, SlotState> states, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(_numbered, connection)
        {
            Parameters = { Parameter.Text(entityType), Parameter.Integers(states.Keys), Parameter.Longs(states.Values.Select(state => state.MarkedPosition)) },
        };
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var numbered = new HashSet<(string Stream, long Version)>();
        while (await row.ReadAsync(cancellationToken))
        {
            numbered.Add((row.GetString(0), row.GetInt64(1)));
        }

        return numbered;
    }

    private async Task<List<EventRow>> ReadPageAsync(NpgsqlConnection connection, string entityType, long after, long upTo, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(_page, connection)
        {
            Parameters =
            {
                Parameter.Long(after),
                Parameter.Long(upTo),
                PrefixOf(entityType),
                Parameter.Integer(PageSize),
            },
        };
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var page = new List<EventRow>();
        while (await row.ReadAsync(cancellationToken))
        {
            page.Add(new EventRow(row.GetInt64(0), row.GetString(1), row.GetInt64(2), row.GetBoolean(3)));
        }

        return page;
    }

    private static NpgsqlParameter<string> PrefixOf(string entityType) => new() { TypedValue = $"{entityType}/", NpgsqlDbType = NpgsqlDbType.Text };

    private static async Task<long> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Up to an event of Marten's table the slots are numbered, which led to these positions.</summary>
    private sealed record Mark(Guid? Member, IReadOnlyDictionary<int, long> Positions, long Event);

    private readonly record struct EventRow(long Number, string Stream, long Version, bool IsAdopted);

    /// <summary>A slot while it is opened.</summary>
    private sealed record SlotState(long MarkedEvent, long MarkedPosition)
    {
        public long Last { get; set; }
    }
}
