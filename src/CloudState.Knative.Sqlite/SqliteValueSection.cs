using CloudState.Knative.Storage;

namespace CloudState.Knative.Sqlite;

/// <summary>The values of entities that are stored as their latest value.</summary>
internal sealed class SqliteValueSection : SqliteSection
{
    public override void Write(SqliteSession session, string stream, EntityAppend append, SqliteWriting writing)
    {
        if (append.State is not ValueChange change)
        {
            return;
        }

        CheckVersion(stream, session.Scalar("SELECT version FROM entity_values WHERE stream = $1", stream) as long? ?? 0, change);
        if (change.Value is { } value)
        {
            session.Execute(
                "INSERT OR REPLACE INTO entity_values (stream, version, type, value, expires_at) VALUES ($1, $2, $3, $4, $5)",
                stream, value.Version,
                value.State is null ? DBNull.Value : writing.Types.Of(value.State).Name, value.State is null ? DBNull.Value : writing.Types.ToJsonText(value.State),
                value.ExpiresAt is { } expiry ? SqliteTime.ToText(expiry) : DBNull.Value);
        }
    }
}
