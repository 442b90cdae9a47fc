using System.Globalization;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace CloudState.Knative.Sqlite;

/// <summary>What the store reads and writes, as SQL. Each method is one transaction.</summary>
internal static class SqliteQueries
{
    // Fixed width and UTC, so that the order of the texts is the order of the times.
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";

    public static void Append(SqliteSession session, IReadOnlyList<EntityAppend> batch, MessageTypes types, DateTimeOffset now)
    {
        try
        {
            session.InTransaction("BEGIN IMMEDIATE", () =>
            {
                foreach (var append in batch)
                {
                    Append(session, append, types, ToText(now));
                }
            });
        }
        catch (SqliteException duplicate) when (duplicate.SqliteExtendedErrorCode
            is raw.SQLITE_CONSTRAINT_PRIMARYKEY or raw.SQLITE_CONSTRAINT_UNIQUE)
        {
            throw new VersionConflictException("A command id or an event of the batch is stored already.", duplicate);
        }
    }

    public static StoredEntity Load(SqliteSession session, EntityKey key, CommandIdWindow commandIds, MessageTypes types)
    {
        var stream = key.ToString();
        StoredEntity? entity = null;
        try
        {
            session.InTransaction("BEGIN", () =>
            {
                var snapshot = ReadSnapshot(session, stream, types);
                var events = ReadEvents(session, stream, snapshot?.Version ?? 0, types);
                entity = new StoredEntity(snapshot, events, ReadRecentCommands(session, stream, commandIds));
            });
        }
        catch (UnreadableEntityException unreadable)
        {
            throw new UnreadableEntityException($"Entity '{stream}' cannot be read. {unreadable.Message}", unreadable);
        }

        return entity!;
    }

    public static CommandRecord? FindCommand(SqliteSession session, EntityKey key, string commandId)
    {
        using var row = session.Query(
            "SELECT method, fingerprint, status_code, status_detail, reply, handled_at FROM commands WHERE stream = $1 AND command_id = $2",
            key.ToString(), commandId);
        return row.Read()
            ? new CommandRecord(commandId, row.GetString(0), row.GetInt64(1), row.GetInt32(2), row.GetString(3),
                UnsafeByteOperations.UnsafeWrap(row.GetFieldValue<byte[]>(4)), ToTime(row.GetString(5)))
            : null;
    }

    public static void ForgetCommands(SqliteSession session, DateTimeOffset before) =>
        session.Execute("DELETE FROM commands WHERE handled_at < $1", ToText(before));

    private static void Append(SqliteSession session, EntityAppend append, MessageTypes types, string now)
    {
        var stream = append.Key.ToString();
        var version = session.Scalar("SELECT max(version) FROM events WHERE stream = $1", stream) as long? ?? 0;
        if (version != append.ExpectedVersion)
        {
            throw new VersionConflictException($"Entity '{stream}' is at version {version}, not at the expected {append.ExpectedVersion}.");
        }

        foreach (var newEvent in append.Events)
        {
            session.Execute("INSERT INTO events (stream, version, type, data, at) VALUES ($1, $2, $3, $4, $5)",
                stream, ++version, newEvent.Descriptor.FullName, types.ToJsonText(newEvent), now);
        }

        if (append.Snapshot is { } snapshot)
        {
            session.Execute("INSERT OR REPLACE INTO snapshots (stream, version, type, state) VALUES ($1, $2, $3, $4)",
                stream, snapshot.Version, snapshot.State.Descriptor.FullName, types.ToJsonText(snapshot.State));
        }

        foreach (var command in append.Commands)
        {
            session.Execute("""
                INSERT INTO commands (stream, command_id, method, fingerprint, status_code, status_detail, reply, handled_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                """,
                stream, command.CommandId, command.Method, command.Fingerprint, command.StatusCode, command.StatusDetail,
                command.Reply.ToByteArray(), ToText(command.HandledAt));
        }

        if (append.KeepCommands is { } keep)
        {
            session.Execute("""
                DELETE FROM commands WHERE stream = $1 AND number <=
                    (SELECT number FROM commands WHERE stream = $1 ORDER BY number DESC LIMIT 1 OFFSET $2)
                """,
                stream, keep);
        }
    }

    private static StoredSnapshot? ReadSnapshot(SqliteSession session, string stream, MessageTypes types)
    {
        using var row = session.Query("SELECT version, type, state FROM snapshots WHERE stream = $1", stream);
        return row.Read() ? new StoredSnapshot(row.GetInt64(0), types.FromJson(row.GetString(1), row.GetString(2))) : null;
    }

    private static List<IMessage> ReadEvents(SqliteSession session, string stream, long after, MessageTypes types)
    {
        var events = new List<IMessage>();
        using var row = session.Query("SELECT version, type, data FROM events WHERE stream = $1 AND version > $2 ORDER BY version", stream, after);
        while (row.Read())
        {
            if (row.GetInt64(0) != after + events.Count + 1)
            {
                throw new UnreadableEntityException($"Its events have a gap before version {row.GetInt64(0)}.");
            }

            events.Add(types.FromJson(row.GetString(1), row.GetString(2)));
        }

        return events;
    }

    private static List<RecentCommand> ReadRecentCommands(SqliteSession session, string stream, CommandIdWindow window)
    {
        var commands = new List<RecentCommand>();
        using var row = session.Query(
            "SELECT command_id, handled_at FROM commands WHERE stream = $1 AND handled_at >= $2 ORDER BY number DESC LIMIT $3",
            stream, ToText(window.Since), window.MaxCount);
        while (row.Read())
        {
            commands.Add(new RecentCommand(row.GetString(0), ToTime(row.GetString(1))));
        }

        commands.Reverse();
        return commands;
    }

    private static string ToText(DateTimeOffset time) => time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);

    private static DateTimeOffset ToTime(string text) =>
        DateTimeOffset.ParseExact(text, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
}
