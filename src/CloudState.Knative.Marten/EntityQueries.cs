using CloudState.Knative.Storage;
using Google.Protobuf;
using Npgsql;

namespace CloudState.Knative.Marten;

/// <summary>What the store reads without Marten.</summary>
internal sealed class EntityQueries(NpgsqlDataSource database, string schema, MemberTables members, StoredTypes types)
{
    public const string SnapshotAlias = "entitysnapshot";

    public const string ValueAlias = "entityvalue";

    private readonly string _snapshot = $"select 0, '', data from {schema}.mt_doc_{SnapshotAlias} where id = $1";

    // One statement, so that the events follow the snapshot whatever is written meanwhile.
    private readonly string _snapshotAndEvents =
        $"""
        select 0::bigint, ''::varchar, data from {schema}.mt_doc_{SnapshotAlias} where id = $1
        union all
        select version, type, data from {schema}.mt_events
        where stream_id = $1 and not is_archived
          and version > coalesce((select (data->>'Version')::bigint from {schema}.mt_doc_{SnapshotAlias} where id = $1), 0)
        order by 1
        """;

    private readonly string _value = $"select data from {schema}.mt_doc_{ValueAlias} where id = $1";

    private readonly string _recentCommands =
        $"""
        select command_id, handled_at
        from (select number, command_id, handled_at from {schema}.{CommandTable.Name}
              where stream = $1 and handled_at >= $2 order by number desc limit $3) latest
        order by number
        """;

    private readonly string _stream = $"select version, is_archived from {schema}.mt_streams where id = $1";

    private readonly string _command =
        $"select method, fingerprint, status_code, status_detail, reply, handled_at, details from {schema}.{CommandTable.Name} where stream = $1 and command_id = $2";

    private readonly string _sequence = $"select sequence from {schema}.{OrderTable.Name} where entity_type = $1 and entity_id = $2 and stream = $3";

    // Rows that somebody trims at the same time are left to him, so that the two cannot wait for each other.
    private readonly string _forget =
        $"""
        delete from {schema}.{CommandTable.Name} where (stream, command_id) in
          (select stream, command_id from {schema}.{CommandTable.Name} where handled_at < $1 for update skip locked)
        """;

    private readonly string _forgetValues =
        $"""
        delete from {schema}.mt_doc_{ValueAlias} where id in
          (select id from {schema}.mt_doc_{ValueAlias} where expires_at < $1 for update skip locked)
        """;

    private readonly string _check =
        $"""
        select 1 from {schema}.mt_streams, {schema}.mt_events, {schema}.mt_doc_{SnapshotAlias}, {schema}.mt_doc_{ValueAlias}, {schema}.{CommandTable.Name}, {schema}.{OutboxTable.Name}, {schema}.{TimerTable.Name}, {schema}.{OrderTable.Name},
          {schema}.{PositionTable.Name}, {schema}.{ParkedTable.Name},
          {members.Members}, {members.Slots}, {members.Ring} limit 0
        """;

    /// <summary>The snapshot, on demand the events after it, the recent commands and the version of the stream: one round trip.</summary>
    /// <remarks>The version is read last: a writer in between makes it larger than the snapshot's, never smaller.</remarks>
    public async Task<EntityHead> ReadHeadAsync(string stream, CommandIdWindow commandIds, bool withEvents, CancellationToken cancellationToken)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(withEvents ? _snapshotAndEvents : _snapshot) { Parameters = { Parameter.Text(stream) } });
        batch.BatchCommands.Add(RecentCommands(stream, commandIds));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(_stream) { Parameters = { Parameter.Text(stream) } });

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        EntitySnapshot? snapshot = null;
        var laterEvents = new List<(long Version, object Event)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var (typeName, data) = (reader.GetString(1), reader.GetFieldValue<byte[]>(2));
            if (typeName.Length == 0)
            {
                snapshot = StateJson.ReadSnapshot(data, types);
            }
            else
            {
                laterEvents.Add((reader.GetInt64(0), types.FromJson(typeName, data)));
            }
        }

        await reader.NextResultAsync(cancellationToken);
        var recentCommands = await ReadRecentCommandsAsync(reader, cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var exists = await reader.ReadAsync(cancellationToken);
        return new EntityHead(
            snapshot is null ? null : new StoredSnapshot(snapshot.Version, snapshot.State),
            laterEvents,
            recentCommands,
            Version: exists ? reader.GetInt64(0) : 0,
            IsArchived: exists && reader.GetBoolean(1));
    }

    /// <summary>The value and the recent commands of a value entity.</summary>
    public async Task<StoredEntity> ReadValueAsync(string stream, CommandIdWindow commandIds, CancellationToken cancellationToken)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(RecentCommands(stream, commandIds));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(_value) { Parameters = { Parameter.Text(stream) } });

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var recentCommands = await ReadRecentCommandsAsync(reader, cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var value = await reader.ReadAsync(cancellationToken) ? StateJson.ReadValue(reader.GetFieldValue<byte[]>(0), types) : null;
        return new StoredEntity(
            value?.Version ?? 0, value?.State is null ? null : new StoredSnapshot(value.Version, value.State, value.ExpiresAt), [], recentCommands);
    }

    public async Task<CommandRecord?> FindCommandAsync(string stream, string commandId, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(_command);
        command.Parameters.Add(Parameter.Text(stream));
        command.Parameters.Add(Parameter.Text(commandId));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new CommandRecord(
                commandId,
                Method: reader.GetString(0),
                Fingerprint: reader.GetInt64(1),
                StatusCode: reader.GetInt32(2),
                StatusDetail: reader.GetString(3),
                Reply: UnsafeByteOperations.UnsafeWrap(reader.GetFieldValue<byte[]>(4)),
                HandledAt: reader.GetFieldValue<DateTimeOffset>(5))
            {
                Details = reader.IsDBNull(6) ? ByteString.Empty : UnsafeByteOperations.UnsafeWrap(reader.GetFieldValue<byte[]>(6)),
            }
            : null;
    }

    public async Task<long> FindSequenceAsync(EntityKey key, string stream, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(_sequence);
        command.Parameters.Add(Parameter.Text(key.EntityType));
        command.Parameters.Add(Parameter.Text(key.EntityId));
        command.Parameters.Add(Parameter.Text(stream));
        return await command.ExecuteScalarAsync(cancellationToken) as long? ?? 0;
    }

    public async Task ForgetAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(_forget) { Parameters = { Parameter.Time(before) } });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(_forgetValues) { Parameters = { Parameter.Time(before) } });
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(_check);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private NpgsqlBatchCommand RecentCommands(string stream, CommandIdWindow window) => new(_recentCommands)
    {
        Parameters = { Parameter.Text(stream), Parameter.Time(window.Since), Parameter.Integer(window.MaxCount) },
    };

    private static async Task<List<RecentCommand>> ReadRecentCommandsAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var recentCommands = new List<RecentCommand>();
        while (await reader.ReadAsync(cancellationToken))
        {
            recentCommands.Add(new RecentCommand(reader.GetString(0), reader.GetFieldValue<DateTimeOffset>(1)));
        }

        return recentCommands;
    }
}

/// <summary>An entity as plain SQL shows it.</summary>
internal sealed record EntityHead(
    StoredSnapshot? Snapshot, IReadOnlyList<(long Version, object Event)> LaterEvents, IReadOnlyList<RecentCommand> RecentCommands, long Version, bool IsArchived);
