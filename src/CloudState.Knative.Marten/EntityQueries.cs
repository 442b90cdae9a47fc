using CloudState.Knative.Storage;
using Google.Protobuf;
using Npgsql;
using NpgsqlTypes;

namespace CloudState.Knative.Marten;

/// <summary>What the store reads without Marten.</summary>
internal sealed class EntityQueries(NpgsqlDataSource database, string schema, MemberTables members, MessageTypes types)
{
    public const string SnapshotAlias = "entitysnapshot";

    private readonly string _snapshot = $"select 0, '', data from {schema}.mt_doc_{SnapshotAlias} where id = $1";

    // One statement, so that the events follow the snapshot whatever is written meanwhile.
    private readonly string _snapshotAndEvents =
        $"""
        select 0::bigint, ''::varchar, data from {schema}.mt_doc_{SnapshotAlias} where id = $1
        union all
        select version, type, data from {schema}.mt_events
        where stream_id = $1 and version > coalesce((select (data->>'Version')::bigint from {schema}.mt_doc_{SnapshotAlias} where id = $1), 0)
        order by 1
        """;

    private readonly string _recentCommands =
        $"""
        select command_id, handled_at
        from (select number, command_id, handled_at from {schema}.{CommandTable.Name}
              where stream = $1 and handled_at >= $2 order by number desc limit $3) latest
        order by number
        """;

    private readonly string _stream = $"select version, is_archived from {schema}.mt_streams where id = $1";

    private readonly string _command =
        $"select method, fingerprint, status_code, status_detail, reply, handled_at from {schema}.{CommandTable.Name} where stream = $1 and command_id = $2";

    // Rows that somebody trims at the same time are left to him, so that the two cannot wait for each other.
    private readonly string _forget =
        $"""
        delete from {schema}.{CommandTable.Name} where (stream, command_id) in
          (select stream, command_id from {schema}.{CommandTable.Name} where handled_at < $1 for update skip locked)
        """;

    private readonly string _check =
        $"""
        select 1 from {schema}.mt_streams, {schema}.mt_events, {schema}.mt_doc_{SnapshotAlias}, {schema}.{CommandTable.Name},
          {members.Members}, {members.Slots}, {members.Ring} limit 0
        """;

    /// <summary>The snapshot, on demand the events after it, the recent commands and the version of the stream: one round trip.</summary>
    /// <remarks>The version is read last: a writer in between makes it larger than the snapshot's, never smaller.</remarks>
    public async Task<EntityHead> ReadHeadAsync(string stream, CommandIdWindow commandIds, bool withEvents, CancellationToken cancellationToken)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(withEvents ? _snapshotAndEvents : _snapshot) { Parameters = { Text(stream) } });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(_recentCommands)
        {
            Parameters = { Text(stream), Time(commandIds.Since), new NpgsqlParameter<int> { TypedValue = commandIds.MaxCount } },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(_stream) { Parameters = { Text(stream) } });

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        EntitySnapshot? snapshot = null;
        var laterEvents = new List<IMessage>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var (typeName, data) = (reader.GetString(1), reader.GetFieldValue<byte[]>(2));
            if (typeName.Length == 0)
            {
                snapshot = SnapshotJson.Read(data, types);
            }
            else
            {
                laterEvents.Add(types.FromJson(typeName, data));
            }
        }

        await reader.NextResultAsync(cancellationToken);
        var recentCommands = new List<RecentCommand>();
        while (await reader.ReadAsync(cancellationToken))
        {
            recentCommands.Add(new RecentCommand(reader.GetString(0), reader.GetFieldValue<DateTimeOffset>(1)));
        }

        await reader.NextResultAsync(cancellationToken);
        var exists = await reader.ReadAsync(cancellationToken);
        return new EntityHead(
            snapshot is null ? null : new StoredSnapshot(snapshot.Version, snapshot.State),
            laterEvents,
            recentCommands,
            Version: exists ? reader.GetInt64(0) : 0,
            IsArchived: exists && reader.GetBoolean(1));
    }

    public async Task<CommandRecord?> FindCommandAsync(string stream, string commandId, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(_command);
        command.Parameters.Add(Text(stream));
        command.Parameters.Add(Text(commandId));
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
            : null;
    }

    public async Task ForgetCommandsAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(_forget);
        command.Parameters.Add(Time(before));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(_check);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    // varchar, the type of the columns: for text PostgreSQL would have to cast.
    private static NpgsqlParameter<string> Text(string value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Varchar };

    private static NpgsqlParameter<DateTimeOffset> Time(DateTimeOffset value) => new() { TypedValue = value.ToUniversalTime() };
}

/// <summary>An entity as plain SQL shows it.</summary>
internal sealed record EntityHead(
    StoredSnapshot? Snapshot, IReadOnlyList<IMessage> LaterEvents, IReadOnlyList<RecentCommand> RecentCommands, long Version, bool IsArchived);
