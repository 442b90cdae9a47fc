using CloudState.Knative.Storage;
using Npgsql;

namespace CloudState.Knative.Marten;

/// <summary>Which entity is to be read, and which of its command records.</summary>
internal readonly record struct EntityRequest(string Stream, CommandIdWindow CommandIds);

/// <summary>What there is of an entity. What the JSON says is not looked at yet.</summary>
internal sealed class EntityRows
{
    /// <summary>The snapshot or the value; null when there is none.</summary>
    public byte[]? State { get; set; }

    /// <summary>The events after the snapshot, in no order.</summary>
    public List<EventRow> LaterEvents { get; } = [];

    /// <summary>In no order.</summary>
    public CommandRow[] RecentCommands { get; set; } = [];

    /// <summary>Of the stream; 0 without one.</summary>
    public long Version { get; set; }

    /// <summary>Whether the stream is.</summary>
    public bool IsArchived { get; set; }
}

internal readonly record struct EventRow(long Version, ReadOnlyMemory<byte> Type, ReadOnlyMemory<byte> Json);

internal readonly record struct CommandRow(long Number, RecentCommand Command);

/// <summary>Reads what an activation needs, for several entities with each query: one round trip.</summary>
internal sealed class EntityReader(NpgsqlDataSource database, string schema)
{
    // In a query of its own: from the size of the array itself PostgreSQL would conclude that each call deserves a plan of its own.
    private const string Streams = "unnest((select $1)) with ordinality as k(stream, position)";

    private readonly string _snapshots = $"select k.position, true, data::text from {Streams} join {schema}.mt_doc_{EntityQueries.SnapshotAlias} on id = k.stream";

    // One statement, so that the events follow the snapshot whatever is written meanwhile.
    private readonly string _snapshotsAndEvents =
        $"""
        select k.position, e.*
        from {Streams} cross join lateral (
          select true, data::text from {schema}.mt_doc_{EntityQueries.SnapshotAlias} where id = k.stream
          union all
          select false, {EventPage.Expression} from {schema}.mt_events
          where stream_id = k.stream and not is_archived
            and version > coalesce((select (data->>'Version')::bigint from {schema}.mt_doc_{EntityQueries.SnapshotAlias} where id = k.stream), 0)
          group by {EventPage.Number}) e
        """;

    private readonly string _streams =
        $"""
        select k.position, c.*, s.version, s.is_archived
        from {Streams} left join {schema}.mt_streams s on s.id = k.stream cross join lateral ({RecentCommands(schema)}) c
        """;

    private readonly string _values =
        $"""
        select k.position, c.*, v.data::text
        from {Streams} left join {schema}.mt_doc_{EntityQueries.ValueAlias} v on v.id = k.stream cross join lateral ({RecentCommands(schema)}) c
        """;

    /// <summary>Snapshots, on demand the events after them, recent commands and versions.</summary>
    /// <remarks>The version is read last: a writer in between makes it larger than the snapshot's, never smaller.</remarks>
    public async Task<IReadOnlyList<EntityRows>> ReadStreamsAsync(IReadOnlyList<EntityRequest> requests, bool withEvents)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new(withEvents ? _snapshotsAndEvents : _snapshots) { Parameters = { StreamsOf(requests) } });
        batch.BatchCommands.Add(WithRecentCommands(_streams, requests));

        var entities = NewRows(requests);
        await using var reader = await batch.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            var (entity, isSnapshot, text) = (EntityOf(reader, entities), reader.GetBoolean(1), reader.GetFieldValue<byte[]>(2));
            if (isSnapshot)
            {
                entity.State = text;
            }
            else
            {
                EventPage.AddTo(entity.LaterEvents, text);
            }
        }

        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            var entity = EntityOf(reader, entities);
            entity.RecentCommands = RecentCommandsOf(reader);
            if (!await reader.IsDBNullAsync(4))
            {
                (entity.Version, entity.IsArchived) = (reader.GetInt64(4), reader.GetBoolean(5));
            }
        }

        return entities;
    }

    /// <summary>Values and recent commands.</summary>
    public async Task<IReadOnlyList<EntityRows>> ReadValuesAsync(IReadOnlyList<EntityRequest> requests)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(WithRecentCommands(_values, requests));

        var entities = NewRows(requests);
        await using var reader = await batch.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            var entity = EntityOf(reader, entities);
            entity.RecentCommands = RecentCommandsOf(reader);
            entity.State = await reader.IsDBNullAsync(4) ? null : reader.GetFieldValue<byte[]>(4);
        }

        return entities;
    }

    private static string RecentCommands(string schema) =>
        $"""
        select array_agg(number) as numbers, array_agg(command_id) as ids, array_agg(handled_at) as times
        from (select number, command_id, handled_at from {schema}.{CommandTable.Name} where stream = k.stream and handled_at >= $2 order by number desc limit $3) recent
        """;

    private static NpgsqlBatchCommand WithRecentCommands(string statement, IReadOnlyList<EntityRequest> requests) => new(statement)
    {
        Parameters =
        {
            StreamsOf(requests),
            Parameter.Time(requests.Min(request => request.CommandIds.Since)),
            Parameter.Integer(requests.Max(request => request.CommandIds.MaxCount)),
        },
    };

    private static NpgsqlParameter<string[]> StreamsOf(IReadOnlyList<EntityRequest> requests) => Parameter.Texts(requests.Select(request => request.Stream));

    private static EntityRows[] NewRows(IReadOnlyList<EntityRequest> requests)
    {
        var entities = new EntityRows[requests.Count];
        for (var i = 0; i < entities.Length; i++)
        {
            entities[i] = new EntityRows();
        }

        return entities;
    }

    private static EntityRows EntityOf(NpgsqlDataReader reader, EntityRows[] entities) => entities[reader.GetInt64(0) - 1];

    private static CommandRow[] RecentCommandsOf(NpgsqlDataReader reader)
    {
        if (reader.IsDBNull(1))
        {
            return [];
        }

        var (numbers, ids, times) = (reader.GetFieldValue<long[]>(1), reader.GetFieldValue<string[]>(2), reader.GetFieldValue<DateTimeOffset[]>(3));
        var commands = new CommandRow[numbers.Length];
        for (var i = 0; i < commands.Length; i++)
        {
            commands[i] = new CommandRow(numbers[i], new RecentCommand(ids[i], times[i]));
        }

        return commands;
    }
}
