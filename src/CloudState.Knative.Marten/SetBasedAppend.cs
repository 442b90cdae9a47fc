using CloudState.Knative.Storage;
using Npgsql;
using NpgsqlTypes;

namespace CloudState.Knative.Marten;

/// <summary>
/// Appends a whole batch with one statement over Marten's own tables, in one round trip. Marten reads, projects and migrates what it writes like its own.
/// </summary>
/// <remarks>
/// <para>The statement is a transaction by itself:</para>
/// <list type="number">
/// <item>The fence: the member's row is there, and is locked against deletion until the commit. If not, nothing is written, and the result is false.</item>
/// <item>The streams: each that is where it is expected to be moves on, or is started.</item>
/// <item>Events, snapshots, command records, the trimming of old records: each only when the batch has any.</item>
/// <item>The count: if a stream was not where it was expected to be, a division by zero undoes everything.</item>
/// </list>
/// <para>
/// Rows are written in the order of the arrays, which is that of the streams' names, so that two batches cannot wait for each other; sequence numbers
/// follow versions, as the daemon's projections need.
/// </para>
/// </remarks>
internal sealed class SetBasedAppend(NpgsqlDataSource database, string schema, MemberTables members, MessageTypes types)
{
    private readonly AppendStatement _statement = new(schema, members);

    /// <summary>Writes all of the batch or nothing.</summary>
    /// <param name="appends">In the order of their keys.</param>
    /// <param name="memberId">Who owns the entities; null not to check.</param>
    /// <param name="cancellationToken">Cancels the append; the outcome is unknown then.</param>
    /// <exception cref="FencedException">There is no such member any more.</exception>
    /// <exception cref="VersionConflictException">A stream is not at the expected version.</exception>
    public async Task RunAsync(IReadOnlyList<(string Stream, EntityAppend Append)> appends, Guid? memberId, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand();
        Fill(command, appends, memberId);
        try
        {
            if (await command.ExecuteScalarAsync(cancellationToken) is not true)
            {
                throw PostgresMemberStore.Fenced(memberId!.Value);
            }
        }
        catch (PostgresException conflict) when (conflict.SqlState == PostgresErrorCodes.DivisionByZero)
        {
            throw new VersionConflictException("An entity of this batch is not at the expected version, or its stream is archived. Nothing was written.", conflict);
        }
    }

    private void Fill(NpgsqlCommand command, IReadOnlyList<(string Stream, EntityAppend Append)> appends, Guid? memberId)
    {
        var (events, snapshots, trimmed) = (0, 0, 0);
        foreach (var (_, append) in appends)
        {
            events += append.Events.Count;
            snapshots += append.Snapshot is null ? 0 : 1;
            trimmed += append.KeepCommands is null ? 0 : 1;
        }

        var parts = AppendParts.None;
        var parameters = command.Parameters;
        if (memberId is { } member)
        {
            parts |= AppendParts.Fence;
            parameters.Add(new NpgsqlParameter<Guid> { TypedValue = member });
        }

        AddVersions(parameters, appends);
        if (events > 0)
        {
            parts |= AppendParts.Events;
            AddEvents(parameters, appends, events);
        }

        if (snapshots > 0)
        {
            parts |= AppendParts.Snapshots;
            AddSnapshots(parameters, appends, snapshots);
        }

        if (CommandTable.ValuesOf(appends.Select(entry => entry.Append)) is { } records)
        {
            parts |= AppendParts.Records;
            foreach (var column in records)
            {
                parameters.Add(new NpgsqlParameter { Value = column });
            }
        }

        if (trimmed > 0)
        {
            parts |= AppendParts.Trimming;
            AddTrimming(parameters, appends, trimmed);
        }

        command.CommandText = _statement.Text(parts);
    }

    private static void AddVersions(NpgsqlParameterCollection parameters, IReadOnlyList<(string Stream, EntityAppend Append)> appends)
    {
        var streams = new string[appends.Count];
        var versions = new long[appends.Count];
        var nextVersions = new long[appends.Count];
        for (var i = 0; i < appends.Count; i++)
        {
            var (stream, append) = appends[i];
            streams[i] = stream;
            versions[i] = append.ExpectedVersion;
            nextVersions[i] = append.ExpectedVersion + append.Events.Count;
        }

        parameters.Add(Array(streams, NpgsqlDbType.Varchar));
        parameters.Add(Array(versions, NpgsqlDbType.Bigint));
        parameters.Add(Array(nextVersions, NpgsqlDbType.Bigint));
    }

    private void AddEvents(NpgsqlParameterCollection parameters, IReadOnlyList<(string Stream, EntityAppend Append)> appends, int count)
    {
        var ids = new Guid[count];
        var streams = new string[count];
        var versions = new long[count];
        var typeNames = new string[count];
        var data = new byte[count][];
        var next = 0;
        foreach (var (stream, append) in appends)
        {
            var version = append.ExpectedVersion;
            foreach (var newEvent in append.Events)
            {
                ids[next] = Guid.CreateVersion7();
                streams[next] = stream;
                versions[next] = ++version;
                typeNames[next] = newEvent.Descriptor.FullName;
                data[next++] = types.ToJson(newEvent);
            }
        }

        parameters.Add(Array(ids, NpgsqlDbType.Uuid));
        parameters.Add(Array(streams, NpgsqlDbType.Varchar));
        parameters.Add(Array(versions, NpgsqlDbType.Bigint));
        parameters.Add(Array(typeNames, NpgsqlDbType.Varchar));
        parameters.Add(Array(data, NpgsqlDbType.Jsonb));
    }

    private void AddSnapshots(NpgsqlParameterCollection parameters, IReadOnlyList<(string Stream, EntityAppend Append)> appends, int count)
    {
        var streams = new string[count];
        var data = new byte[count][];
        var next = 0;
        foreach (var (stream, append) in appends)
        {
            if (append.Snapshot is { } snapshot)
            {
                streams[next] = stream;
                data[next++] = SnapshotJson.Write(new EntitySnapshot { Id = stream, Version = snapshot.Version, State = snapshot.State }, types);
            }
        }

        parameters.Add(Array(streams, NpgsqlDbType.Varchar));
        parameters.Add(Array(data, NpgsqlDbType.Jsonb));
    }

    private static void AddTrimming(NpgsqlParameterCollection parameters, IReadOnlyList<(string Stream, EntityAppend Append)> appends, int count)
    {
        var streams = new string[count];
        var keep = new int[count];
        var next = 0;
        foreach (var (stream, append) in appends)
        {
            if (append.KeepCommands is { } keepCommands)
            {
                streams[next] = stream;

                // The statement does not see the records that it inserts.
                keep[next++] = Math.Max(keepCommands - append.Commands.Count, 0);
            }
        }

        parameters.Add(Array(streams, NpgsqlDbType.Varchar));
        parameters.Add(Array(keep, NpgsqlDbType.Integer));
    }

    private static NpgsqlParameter<T[]> Array<T>(T[] values, NpgsqlDbType elementType) => new() { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | elementType };
}
