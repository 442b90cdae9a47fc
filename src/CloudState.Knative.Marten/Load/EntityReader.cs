using CloudState.Knative.Marten.Connection;
using CloudState.Knative.Marten.Sections;
using CloudState.Knative.Storage;
using Npgsql;

namespace CloudState.Knative.Marten.Load;

/// <summary>Which entity is to be read, and which of its command records.</summary>
internal readonly record struct EntityRequest(string Stream, CommandIdWindow CommandIds);

/// <summary>What there is of an entity. What the texts say is not looked at yet, so that one that cannot be read concerns its entity only.</summary>
internal sealed class EntityRows
{
    /// <summary>Of the stream; 0 without one.</summary>
    public long Version { get; set; }

    /// <summary>Whether the stream is.</summary>
    public bool IsArchived { get; set; }

    /// <summary>How often the replicated value was deleted.</summary>
    public long Epoch { get; set; }

    /// <summary>The snapshot or the value; null when there is none.</summary>
    public byte[]? State { get; set; }

    /// <summary>The events after the snapshot, each an <see cref="EventPage"/>, in no order.</summary>
    public List<byte[]> LaterEvents { get; } = [];

    /// <summary>What was added to the replicated value, of each seat a run of deltas, as <see cref="ReplicaDeltas"/> has them.</summary>
    public List<byte[]> Deltas { get; } = [];

    /// <summary>Of what there is, in bytes.</summary>
    public long Size => (State?.Length ?? 0L) + LaterEvents.Sum(page => (long)page.Length) + Deltas.Sum(run => (long)run.Length);

    /// <summary>In no order.</summary>
    public CommandRow[] RecentCommands { get; set; } = [];

    /// <exception cref="UnreadableEntityException">The deltas are damaged.</exception>
    public StoredReplica ToReplica() => new(Epoch, State, ReplicaDeltas.Read(Deltas));
}

internal readonly record struct CommandRow(long Number, RecentCommand Command);

/// <summary>Reads what an activation needs, for several entities with each query: one round trip.</summary>
internal sealed class EntityReader(NpgsqlDataSource database, string schema)
{
    // In a query of its own: from the size of the array itself PostgreSQL would conclude that each call deserves a plan of its own.
    private const string Keys = "unnest((select $1)) with ordinality as k(stream, position)";

    // Each is one statement, so that its rows fit together whatever is written meanwhile.
    private readonly string _values = Of(StateIn(schema, EntityValue.Alias));

    private readonly string _streams = Of(StreamIn(schema), StateIn(schema, EntitySnapshot.Alias));

    private readonly string _streamsWithEvents = Of(StreamIn(schema), StateIn(schema, EntitySnapshot.Alias), EventsIn(schema));

    private readonly string _replicas = Of(ReplicaIn(schema), DeltasIn(schema));

    private readonly string _recentCommands =
        $"""
        select k.position, c.*
        from {Keys} cross join lateral (
          select array_agg(number), array_agg(command_id), array_agg(handled_at)
          from (select number, command_id, handled_at from {schema}.{RecordSection.Name} where stream = k.stream and handled_at >= $2 order by number desc limit $3) recent
          having count(*) > 0) c
        """;

    private enum RowKind
    {
        Stream,
        ArchivedStream,
        State,
        Events,
        Replica,
        Deltas,
    }

    /// <summary>Versions, snapshots, on demand the events after them, and recent commands.</summary>
    public Task<IReadOnlyList<EntityRows>> ReadStreamsAsync(IReadOnlyList<EntityRequest> requests, bool withEvents) =>
        ReadAsync(withEvents ? _streamsWithEvents : _streams, requests);

    /// <summary>Values and recent commands.</summary>
    public Task<IReadOnlyList<EntityRows>> ReadValuesAsync(IReadOnlyList<EntityRequest> requests) => ReadAsync(_values, requests);

    /// <summary>Replicated values and recent commands.</summary>
    public Task<IReadOnlyList<EntityRows>> ReadReplicasAsync(IReadOnlyList<EntityRequest> requests) => ReadAsync(_replicas, requests);

    /// <summary>Replicated values alone.</summary>
    public Task<IReadOnlyList<EntityRows>> ReadReplicasAsync(string[] streams, CancellationToken cancellationToken) => database.RunAsync<IReadOnlyList<EntityRows>>(
        async connection =>
        {
            await using var command = new NpgsqlCommand(_replicas, connection) { Parameters = { Parameter.Texts(streams) } };
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            return await ReadRowsAsync(reader, streams.Length, cancellationToken);
        },
        cancellationToken);

    private Task<IReadOnlyList<EntityRows>> ReadAsync(string statement, IReadOnlyList<EntityRequest> requests) =>
        database.RunAsync(connection => ReadAsync(connection, statement, requests), CancellationToken.None);

    private async Task<IReadOnlyList<EntityRows>> ReadAsync(NpgsqlConnection connection, string statement, IReadOnlyList<EntityRequest> requests)
    {
        var streams = requests.Select(request => request.Stream).ToArray();
        await using var batch = connection.CreateBatch();
        batch.BatchCommands.Add(new(statement) { Parameters = { Parameter.Texts(streams) } });
        batch.BatchCommands.Add(new(_recentCommands)
        {
            Parameters =
            {
                Parameter.Texts(streams),
                Parameter.Time(requests.Min(request => request.CommandIds.Since)),
                Parameter.Integer(requests.Max(request => request.CommandIds.MaxCount)),
            },
        });

        await using var reader = await batch.ExecuteReaderAsync();
        var entities = await ReadRowsAsync(reader, streams.Length, CancellationToken.None);
        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            entities[reader.GetInt64(0) - 1].RecentCommands = RecentCommandsOf(reader);
        }

        return entities;
    }

    private static async Task<EntityRows[]> ReadRowsAsync(NpgsqlDataReader reader, int count, CancellationToken cancellationToken)
    {
        var entities = new EntityRows[count];
        for (var i = 0; i < count; i++)
        {
            entities[i] = new EntityRows();
        }

        while (await reader.ReadAsync(cancellationToken))
        {
            Add(reader, entities[reader.GetInt64(0) - 1]);
        }

        return entities;
    }

    private static string Of(params string[] parts) => $"select k.position, e.* from {Keys} cross join lateral ({string.Join(" union all ", parts)}) e";

    private static string StreamIn(string schema) =>
        $"select case when is_archived then {RowKind.ArchivedStream:D} else {RowKind.Stream:D} end, version, null::text from {schema}.mt_streams where id = k.stream";

    private static string StateIn(string schema, string document) => $"select {RowKind.State:D}, 0, data::text from {schema}.mt_doc_{document} where id = k.stream";

    private static string EventsIn(string schema) =>
        $"""
        select {RowKind.Events:D}, 0, {EventPage.Expression} from {schema}.mt_events
        where stream_id = k.stream and not is_archived
          and version > coalesce((select (data->>'Version')::bigint from {schema}.mt_doc_{EntitySnapshot.Alias} where id = k.stream), 0)
        group by {EventPage.Number}
        """;

    private static string ReplicaIn(string schema) => $"select {RowKind.Replica:D}, epoch, state from {schema}.{ReplicaTables.Values} where stream = k.stream";

    private static string DeltasIn(string schema) =>
        $"""
        select {RowKind.Deltas:D}, 0, string_agg(data, ''::bytea order by first) from {schema}.{ReplicaTables.Deltas}
        where stream = k.stream and epoch = coalesce((select epoch from {schema}.{ReplicaTables.Values} where stream = k.stream), 0)
        group by seat
        """;

    private static void Add(NpgsqlDataReader row, EntityRows entity)
    {
        switch ((RowKind)row.GetInt32(1))
        {
            case RowKind.Stream:
                entity.Version = row.GetInt64(2);
                break;
            case RowKind.ArchivedStream:
                (entity.Version, entity.IsArchived) = (row.GetInt64(2), true);
                break;
            case RowKind.State:
                entity.State = row.GetFieldValue<byte[]>(3);
                break;
            case RowKind.Events:
                entity.LaterEvents.Add(row.GetFieldValue<byte[]>(3));
                break;
            case RowKind.Replica:
                (entity.Epoch, entity.State) = (row.GetInt64(2), row.IsDBNull(3) ? null : row.GetFieldValue<byte[]>(3));
                break;
            case RowKind.Deltas:
                entity.Deltas.Add(row.GetFieldValue<byte[]>(3));
                break;
        }
    }

    private static CommandRow[] RecentCommandsOf(NpgsqlDataReader row)
    {
        var (numbers, ids, times) = (row.GetFieldValue<long[]>(1), row.GetFieldValue<string[]>(2), row.GetFieldValue<DateTimeOffset[]>(3));
        var commands = new CommandRow[numbers.Length];
        for (var i = 0; i < commands.Length; i++)
        {
            commands[i] = new CommandRow(numbers[i], new RecentCommand(ids[i], times[i]));
        }

        return commands;
    }
}
