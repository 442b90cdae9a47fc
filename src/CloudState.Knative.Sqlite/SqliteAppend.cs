using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace CloudState.Knative.Sqlite;

/// <summary>Appends a whole batch in one transaction.</summary>
internal static class SqliteAppend
{
    public static void Run(SqliteSession session, IReadOnlyList<EntityAppend> batch, StoredTypes types, DateTimeOffset now)
    {
        try
        {
            session.InTransaction("BEGIN IMMEDIATE", () =>
            {
                foreach (var append in batch)
                {
                    Write(session, append, types, SqliteTime.ToText(now));
                }
            });
        }
        catch (SqliteException duplicate) when (duplicate.SqliteExtendedErrorCode
            is raw.SQLITE_CONSTRAINT_PRIMARYKEY or raw.SQLITE_CONSTRAINT_UNIQUE)
        {
            throw new VersionConflictException("A command id or an event of the batch is stored already.", duplicate);
        }
    }

    private static void Write(SqliteSession session, EntityAppend append, StoredTypes types, string now)
    {
        var stream = append.Entity.ToString();
        var version = VersionOf(session, stream, append.Kind);
        if (version != append.ExpectedVersion)
        {
            throw new VersionConflictException($"Entity '{stream}' is at version {version}, not at the expected {append.ExpectedVersion}.");
        }

        foreach (var newEvent in append.Events)
        {
            session.Execute("INSERT INTO events (stream, version, type, data, at, number) VALUES ($1, $2, $3, $4, $5, (SELECT coalesce(max(number), 0) + 1 FROM events))",
                stream, ++version, types.Of(newEvent).Name, types.ToJsonText(newEvent), now);
        }

        if (append.DeletionVersion() is > 0 and var deletion)
        {
            session.Execute("UPDATE events SET archived = 1 WHERE stream = $1 AND version < $2 AND archived = 0", stream, deletion);
            session.Execute("DELETE FROM snapshots WHERE stream = $1", stream);
        }

        if (append.Snapshot is { } snapshot)
        {
            session.Execute("INSERT OR REPLACE INTO snapshots (stream, version, type, state) VALUES ($1, $2, $3, $4)",
                stream, snapshot.Version, types.Of(snapshot.State).Name, types.ToJsonText(snapshot.State));
        }

        if (append.Value is { } value)
        {
            session.Execute("INSERT OR REPLACE INTO entity_values (stream, version, type, value, expires_at) VALUES ($1, $2, $3, $4, $5)",
                stream, value.Version,
                value.State is null ? DBNull.Value : types.Of(value.State).Name, value.State is null ? DBNull.Value : types.ToJsonText(value.State),
                value.ExpiresAt is { } expiry ? SqliteTime.ToText(expiry) : DBNull.Value);
        }

        foreach (var command in append.Commands)
        {
            session.Execute("""
                INSERT INTO commands (stream, command_id, method, fingerprint, status_code, status_detail, reply, handled_at, details)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                """,
                stream, command.CommandId, command.Method, command.Fingerprint, command.StatusCode, command.StatusDetail,
                command.Reply.ToByteArray(), SqliteTime.ToText(command.HandledAt), command.Details.ToByteArray());
        }

        if (append.KeepCommands is { } keep)
        {
            session.Execute("""
                DELETE FROM commands WHERE stream = $1 AND number <=
                    (SELECT number FROM commands WHERE stream = $1 ORDER BY number DESC LIMIT 1 OFFSET $2)
                """,
                stream, keep);
        }

        foreach (var entry in append.Outbox)
        {
            session.Execute("INSERT INTO outbox (id, entity_type, entity_id, slot, method, call) VALUES ($1, $2, $3, $4, $5, $6)",
                entry.Id.ToString(), entry.Origin.Type, entry.Origin.Key, entry.SlotNumber, entry.Method, entry.Content.ToByteArray());
        }

        foreach (var order in append.Orders)
        {
            session.Execute("INSERT OR REPLACE INTO orders (entity_type, entity_id, stream, sequence, expires_at) VALUES ($1, $2, $3, $4, $5)",
                append.Entity.Type, append.Entity.Key, order.Stream, order.Sequence, order.ExpiresAt is { } expiry ? SqliteTime.ToText(expiry) : DBNull.Value);
        }

        foreach (var (name, timer) in append.Timers)
        {
            if (timer is null)
            {
                session.Execute("DELETE FROM timers WHERE entity_type = $1 AND entity_id = $2 AND name = $3", append.Entity.Type, append.Entity.Key, name);
            }
            else
            {
                session.Execute("INSERT OR REPLACE INTO timers (entity_type, entity_id, name, id, slot, due_at, method, call) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                    append.Entity.Type, append.Entity.Key, name, timer.Id.ToString(), timer.SlotNumber, SqliteTime.ToText(timer.DueAt), timer.Method, timer.Call.ToByteArray());
            }
        }
    }

    private static long VersionOf(SqliteSession session, string stream, EntityKind kind) => session.Scalar(
        kind == EntityKind.Value ? "SELECT version FROM entity_values WHERE stream = $1" : "SELECT max(version) FROM events WHERE stream = $1", stream) as long? ?? 0;
}
