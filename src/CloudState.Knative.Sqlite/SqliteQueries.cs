using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Microsoft.Data.Sqlite;

namespace CloudState.Knative.Sqlite;

/// <summary>What the store reads and removes, as SQL. Each method is one transaction.</summary>
internal static class SqliteQueries
{
    public static StoredEntity Load(SqliteSession session, EntityId key, StoredAs storedAs, CommandIdWindow commandIds, StoredTypes types)
    {
        var stream = key.ToString();
        StoredEntity? entity = null;
        try
        {
            session.InTransaction("BEGIN", () =>
            {
                var recentCommands = ReadRecentCommands(session, stream, commandIds);
                if (storedAs == StoredAs.Value)
                {
                    var (version, value, size) = ReadValue(session, stream, types);
                    entity = new StoredEntity(version, value, [], recentCommands) { Size = size };
                }
                else if (storedAs == StoredAs.Replica)
                {
                    var (replica, size) = ReadReplica(session, stream);
                    entity = new StoredEntity(0, null, [], recentCommands) { Replica = replica, Size = size };
                }
                else
                {
                    var (snapshot, snapshotSize) = ReadSnapshot(session, stream, types);
                    var (version, events, size) = ReadEvents(session, stream, snapshot?.Version ?? 0, types);
                    entity = new StoredEntity(version, snapshot, events, recentCommands) { Size = snapshotSize + size };
                }
            });
        }
        catch (UnreadableEntityException unreadable)
        {
            throw new UnreadableEntityException($"Entity '{stream}' cannot be read. {unreadable.Message}", unreadable);
        }

        return entity!;
    }

    public static CommandRecord? FindCommand(SqliteSession session, EntityId key, string commandId)
    {
        using var row = session.Query(
            "SELECT method, fingerprint, status_code, status_detail, reply, handled_at, details, position FROM commands WHERE stream = $1 AND command_id = $2",
            key.ToString(), commandId);
        return row.Read()
            ? new CommandRecord(commandId, row.GetString(0), row.GetInt64(1), row.GetInt32(2), row.GetString(3),
                Bytes(row, 4), SqliteTime.Parse(row.GetString(5)))
            { Details = Bytes(row, 6), Position = row.GetInt64(7) }
            : null;
    }

    public static void Forget(SqliteSession session, DateTimeOffset before, DateTimeOffset now) => session.InTransaction("BEGIN IMMEDIATE", () =>
    {
        session.Execute("DELETE FROM commands WHERE handled_at < $1", SqliteTime.ToText(before));
        session.Execute("DELETE FROM orders WHERE expires_at < $1", SqliteTime.ToText(now));
        session.Execute("DELETE FROM entity_values WHERE expires_at < $1", SqliteTime.ToText(before));
    });

    /// <summary>Removes rows of a table that has ids.</summary>
    public static void Remove(SqliteSession session, string table, IEnumerable<Guid> ids) => session.InTransaction("BEGIN IMMEDIATE", () =>
    {
        foreach (var id in ids)
        {
            session.Execute($"DELETE FROM {table} WHERE id = $1", id.ToString());
        }
    });

    private static (StoredSnapshot? Snapshot, long Size) ReadSnapshot(SqliteSession session, string stream, StoredTypes types)
    {
        using var row = session.Query("SELECT version, type, state FROM snapshots WHERE stream = $1", stream);
        if (!row.Read())
        {
            return (null, 0);
        }

        var json = row.GetString(2);
        return (new StoredSnapshot(row.GetInt64(0), types.FromJson(row.GetString(1), json)), json.Length);
    }

    private static (long Version, StoredSnapshot? Value, long Size) ReadValue(SqliteSession session, string stream, StoredTypes types)
    {
        using var row = session.Query("SELECT version, type, value, expires_at FROM entity_values WHERE stream = $1", stream);
        if (!row.Read())
        {
            return (0, null, 0);
        }

        var version = row.GetInt64(0);
        if (row.IsDBNull(1))
        {
            return (version, null, 0);
        }

        var json = row.GetString(2);
        return (version, new StoredSnapshot(version, types.FromJson(row.GetString(1), json), row.IsDBNull(3) ? null : SqliteTime.Parse(row.GetString(3))), json.Length);
    }

    private static (StoredReplica Replica, long Size) ReadReplica(SqliteSession session, string stream)
    {
        var (epoch, state, runs) = (0L, (byte[]?)null, new List<byte[]>());
        using (var row = session.Query("SELECT epoch, state FROM replicas WHERE stream = $1", stream))
        {
            if (row.Read())
            {
                (epoch, state) = (row.GetInt64(0), row.IsDBNull(1) ? null : row.GetFieldValue<byte[]>(1));
            }
        }

        using var delta = session.Query("SELECT data FROM deltas WHERE stream = $1 AND epoch = $2 ORDER BY seat, first", stream, epoch);
        while (delta.Read())
        {
            runs.Add(delta.GetFieldValue<byte[]>(0));
        }

        return (new StoredReplica(epoch, state, ReplicaDeltas.Read(runs)), (state?.Length ?? 0L) + runs.Sum(run => (long)run.Length));
    }

    private static (long Version, List<object> Events, long Size) ReadEvents(SqliteSession session, string stream, long after, StoredTypes types)
    {
        var events = new List<object>();
        using var row = session.Query("SELECT version, type, data FROM events WHERE stream = $1 AND version > $2 AND archived = 0 ORDER BY version", stream, after);
        var (version, size) = (after, 0L);
        while (row.Read())
        {
            var json = row.GetString(2);
            var newEvent = types.FromJson(row.GetString(1), json);
            size += json.Length;
            if (row.GetInt64(0) != ++version && newEvent is not EntityDeleted)
            {
                throw new UnreadableEntityException($"Its events have a gap before version {row.GetInt64(0)}.");
            }

            version = row.GetInt64(0);
            events.Add(newEvent);
        }

        return (version, events, size);
    }

    private static List<RecentCommand> ReadRecentCommands(SqliteSession session, string stream, CommandIdWindow window)
    {
        var commands = new List<RecentCommand>();
        using var row = session.Query(
            "SELECT command_id, handled_at FROM commands WHERE stream = $1 AND handled_at >= $2 ORDER BY number DESC LIMIT $3",
            stream, SqliteTime.ToText(window.Since), window.MaxCount);
        while (row.Read())
        {
            commands.Add(new RecentCommand(row.GetString(0), SqliteTime.Parse(row.GetString(1))));
        }

        commands.Reverse();
        return commands;
    }

    public static ByteString Bytes(SqliteDataReader row, int column) => UnsafeByteOperations.UnsafeWrap(row.GetFieldValue<byte[]>(column));
}
