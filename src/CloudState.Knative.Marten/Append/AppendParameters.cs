using CloudState.Knative.Marten.Documents;
using CloudState.Knative.Marten.Schema;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Npgsql;
using NpgsqlTypes;

namespace CloudState.Knative.Marten.Append;

/// <summary>The parameters of an <see cref="AppendStatement"/>: arrays with an element for each row, in the order of its parts.</summary>
internal sealed class AppendParameters(NpgsqlParameterCollection parameters, StoredTypes types)
{
    /// <summary>Adds what the batch needs; returns which parts that is.</summary>
    public AppendParts Add(IReadOnlyList<(string Stream, EntityAppend Append)> appends, Guid? memberId)
    {
        var (events, archived, snapshots, values, trimmed) = (0, 0, 0, 0, 0);
        foreach (var (_, append) in appends)
        {
            events += append.Events.Count;
            archived += append.DeletionVersion() > 0 ? 1 : 0;
            snapshots += append.Snapshot is null ? 0 : 1;
            values += append.Kind == EntityKind.Value ? 1 : 0;
            trimmed += append.KeepCommands is null ? 0 : 1;
        }

        var parts = AppendParts.None;
        if (memberId is { } member)
        {
            parts |= AppendParts.Fence;
            parameters.Add(new NpgsqlParameter<Guid> { TypedValue = member });
        }

        AddVersions(appends, appends.Count - values);
        if (archived > 0)
        {
            parts |= AppendParts.Archiving;
            AddArchiving(appends);
        }

        if (events > 0)
        {
            parts |= AppendParts.Events;
            AddEvents(appends, events);
        }

        if (snapshots > 0)
        {
            parts |= AppendParts.Snapshots;
            AddSnapshots(appends, snapshots);
        }

        if (values > 0)
        {
            parts |= AppendParts.Values;
            AddValues(appends);
        }

        parts |= AddColumns(AppendParts.Records, CommandTable.ValuesOf(appends.Select(entry => entry.Append)));
        if (trimmed > 0)
        {
            parts |= AppendParts.Trimming;
            AddTrimming(appends, trimmed);
        }

        parts |= AddColumns(AppendParts.Outbox, OutboxTable.ValuesOf(appends.Select(entry => entry.Append)));
        parts |= AddColumns(AppendParts.Timers, TimerTable.ValuesOf(appends.Select(entry => entry.Append)));
        return parts | AddColumns(AppendParts.Orders, OrderTable.ValuesOf(appends.Select(entry => entry.Append)));
    }

    private void AddVersions(IReadOnlyList<(string Stream, EntityAppend Append)> appends, int count)
    {
        var streams = new string[count];
        var versions = new long[count];
        var nextVersions = new long[count];
        var next = 0;
        foreach (var (stream, append) in appends)
        {
            if (append.Kind == EntityKind.EventSourced)
            {
                (streams[next], versions[next], nextVersions[next]) = (stream, append.ExpectedVersion, append.NewVersion);
                next++;
            }
        }

        AddArray(streams, NpgsqlDbType.Varchar);
        AddArray(versions, NpgsqlDbType.Bigint);
        AddArray(nextVersions, NpgsqlDbType.Bigint);
    }

    private void AddArchiving(IReadOnlyList<(string Stream, EntityAppend Append)> appends)
    {
        var deleted = appends.Where(entry => entry.Append.DeletionVersion() > 0).ToArray();
        AddArray(Array.ConvertAll(deleted, entry => entry.Stream), NpgsqlDbType.Varchar);
        AddArray(Array.ConvertAll(deleted, entry => entry.Append.DeletionVersion()), NpgsqlDbType.Bigint);
        AddArray(Array.ConvertAll(deleted, entry => entry.Append.Snapshot is null), NpgsqlDbType.Boolean);
    }

    private void AddEvents(IReadOnlyList<(string Stream, EntityAppend Append)> appends, int count)
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
                var type = types.Of(newEvent);
                ids[next] = Guid.CreateVersion7();
                streams[next] = stream;
                versions[next] = ++version;
                typeNames[next] = type.Name;
                data[next++] = type.Write(newEvent);
            }
        }

        AddArray(ids, NpgsqlDbType.Uuid);
        AddArray(streams, NpgsqlDbType.Varchar);
        AddArray(versions, NpgsqlDbType.Bigint);
        AddArray(typeNames, NpgsqlDbType.Varchar);
        AddArray(data, NpgsqlDbType.Jsonb);
    }

    private void AddSnapshots(IReadOnlyList<(string Stream, EntityAppend Append)> appends, int count)
    {
        var streams = new string[count];
        var data = new byte[count][];
        var next = 0;
        foreach (var (stream, append) in appends)
        {
            if (append.Snapshot is { } snapshot)
            {
                streams[next] = stream;
                data[next++] = StateJson.Write(new EntitySnapshot { Id = stream, Version = snapshot.Version, State = snapshot.State }, types);
            }
        }

        AddArray(streams, NpgsqlDbType.Varchar);
        AddArray(data, NpgsqlDbType.Jsonb);
    }

    private void AddValues(IReadOnlyList<(string Stream, EntityAppend Append)> appends)
    {
        var values = appends.Where(entry => entry.Append.Kind == EntityKind.Value).ToArray();
        AddArray(Array.ConvertAll(values, entry => entry.Stream), NpgsqlDbType.Varchar);
        AddArray(Array.ConvertAll(values, entry => entry.Append.ExpectedVersion), NpgsqlDbType.Bigint);
        AddArray(Array.ConvertAll(values, entry => entry.Append.NewVersion), NpgsqlDbType.Bigint);
        AddArray(Array.ConvertAll(values, entry => ToJson(entry.Stream, entry.Append.Value)), NpgsqlDbType.Jsonb);
        AddArray(Array.ConvertAll(values, entry => entry.Append.Value?.ExpiresAt?.ToUniversalTime()), NpgsqlDbType.TimestampTz);
    }

    private byte[]? ToJson(string stream, ValueChange? value) => value is null
        ? null
        : StateJson.Write(new EntityValue { Id = stream, Version = value.Version, State = value.State, ExpiresAt = value.ExpiresAt }, types);

    private void AddTrimming(IReadOnlyList<(string Stream, EntityAppend Append)> appends, int count)
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

        AddArray(streams, NpgsqlDbType.Varchar);
        AddArray(keep, NpgsqlDbType.Integer);
    }

    private AppendParts AddColumns(AppendParts part, object[]? columns)
    {
        foreach (var column in columns ?? [])
        {
            parameters.Add(new NpgsqlParameter { Value = column });
        }

        return columns is null ? AppendParts.None : part;
    }

    private void AddArray<T>(T[] values, NpgsqlDbType elementType) =>
        parameters.Add(new NpgsqlParameter<T[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | elementType });
}
