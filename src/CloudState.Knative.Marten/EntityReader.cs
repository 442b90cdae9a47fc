using CloudState.Knative.Storage;
using Npgsql;

namespace CloudState.Knative.Marten;

/// <summary>Which entity is to be read, and which of its command records.</summary>
internal readonly record struct EntityRequest(string Stream, CommandIdWindow CommandIds);

/// <summary>The rows of an entity. What their JSON says is not looked at yet.</summary>
internal sealed class EntityRows
{
    /// <summary>The snapshot or the value; null when there is none.</summary>
    public byte[]? State { get; set; }

    /// <summary>The events after the snapshot, in no order.</summary>
    public List<EventRow> LaterEvents { get; } = [];

    /// <summary>In no order.</summary>
    public List<CommandRow> RecentCommands { get; } = [];

    /// <summary>Of the stream; 0 without one.</summary>
    public long Version { get; set; }

    /// <summary>Whether the stream is.</summary>
    public bool IsArchived { get; set; }
}

internal readonly record struct EventRow(long Version, string Type, byte[] Data);

internal readonly record struct CommandRow(long Number, RecentCommand Command);

/// <summary>Reads what an activation needs, for several entities with each query: one round trip.</summary>
internal sealed class EntityReader(NpgsqlDataSource database, string schema)
{
    // In a query of its own: from the size of the array itself PostgreSQL would conclude that each call deserves a plan of its own.
    private const string Streams = "unnest((select $1)) with ordinality as k(stream, position)";

    private readonly string _snapshots = $"select k.position, 0::bigint, ''::varchar, data from {Streams} join {schema}.mt_doc_{EntityQueries.SnapshotAlias} on id = k.stream";

    // One statement, so that the events follow the snapshot whatever is written meanwhile.
    private readonly string _snapshotsAndEvents =
        $"""
        select k.position, e.version, e.type, e.data
        from {Streams} cross join lateral (
          select 0::bigint as version, ''::varchar as type, data from {schema}.mt_doc_{EntityQueries.SnapshotAlias} where id = k.stream
          union all
          select version, type, data from {schema}.mt_events
          where stream_id = k.stream and not is_archived
            and version > coalesce((select (data->>'Version')::bigint from {schema}.mt_doc_{EntityQueries.SnapshotAlias} where id = k.stream), 0)) e
        """;

    private readonly string _values = $"select k.position, data from {Streams} join {schema}.mt_doc_{EntityQueries.ValueAlias} on id = k.stream";

    private readonly string _recentCommands =
        $"""
        select k.position, c.number, c.command_id, c.handled_at
        from {Streams} cross join lateral (
          select number, command_id, handled_at from {schema}.{CommandTable.Name} where stream = k.stream and handled_at >= $2 order by number desc limit $3) c
        """;

    private readonly string _streams = $"select k.position, version, is_archived from {Streams} join {schema}.mt_streams on id = k.stream";

    /// <summary>Snapshots, on demand the events after them, recent commands and versions.</summary>
    /// <remarks>The version is read last: a writer in between makes it larger than the snapshot's, never smaller.</remarks>
    public async Task<IReadOnlyList<EntityRows>> ReadStreamsAsync(IReadOnlyList<EntityRequest> requests, bool withEvents)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(OfStreams(withEvents ? _snapshotsAndEvents : _snapshots, requests));
        batch.BatchCommands.Add(RecentCommands(requests));
        batch.BatchCommands.Add(OfStreams(_streams, requests));

        var entities = NewRows(requests);
        await using var reader = await batch.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            var (entity, type, data) = (EntityOf(reader, entities), reader.GetString(2), reader.GetFieldValue<byte[]>(3));
            if (type.Length == 0)
            {
                entity.State = data;
            }
            else
            {
                entity.LaterEvents.Add(new EventRow(reader.GetInt64(1), type, data));
            }
        }

        await ReadRecentCommandsAsync(reader, entities);
        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            var entity = EntityOf(reader, entities);
            (entity.Version, entity.IsArchived) = (reader.GetInt64(1), reader.GetBoolean(2));
        }

        return entities;
    }

    /// <summary>Values and recent commands.</summary>
    public async Task<IReadOnlyList<EntityRows>> ReadValuesAsync(IReadOnlyList<EntityRequest> requests)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(OfStreams(_values, requests));
        batch.BatchCommands.Add(RecentCommands(requests));

        var entities = NewRows(requests);
        await using var reader = await batch.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            EntityOf(reader, entities).State = reader.GetFieldValue<byte[]>(1);
        }

        await ReadRecentCommandsAsync(reader, entities);
        return entities;
    }

    private NpgsqlBatchCommand RecentCommands(IReadOnlyList<EntityRequest> requests)
    {
        var command = OfStreams(_recentCommands, requests);
        command.Parameters.Add(Parameter.Time(requests.Min(request => request.CommandIds.Since)));
        command.Parameters.Add(Parameter.Integer(requests.Max(request => request.CommandIds.MaxCount)));
        return command;
    }

    private static NpgsqlBatchCommand OfStreams(string statement, IReadOnlyList<EntityRequest> requests) =>
        new(statement) { Parameters = { Parameter.Texts(requests.Select(request => request.Stream)) } };

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

    private static async Task ReadRecentCommandsAsync(NpgsqlDataReader reader, EntityRows[] entities)
    {
        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            EntityOf(reader, entities).RecentCommands.Add(new CommandRow(reader.GetInt64(1), new RecentCommand(reader.GetString(2), reader.GetFieldValue<DateTimeOffset>(3))));
        }
    }
}
