using CloudState.Knative.Storage;

namespace CloudState.Knative.Sqlite;

/// <summary>The records of commands that carried an id, and the trimming of old ones.</summary>
internal sealed class SqliteRecordSection : SqliteSection
{
    public override void Write(SqliteSession session, string stream, EntityAppend append, SqliteWriting writing)
    {
        foreach (var command in append.Commands)
        {
            session.Execute("""
                INSERT INTO commands (stream, command_id, method, fingerprint, status_code, status_detail, reply, handled_at, details, position)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                """,
                stream, command.CommandId, command.Method, command.Fingerprint, command.StatusCode, command.StatusDetail,
                command.Reply.ToByteArray(), SqliteTime.ToText(command.HandledAt), command.Details.ToByteArray(), command.Position);
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
}
