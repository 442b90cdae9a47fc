using CloudState.Knative.Storage;

namespace CloudState.Knative.Sqlite;

/// <summary>How far entities have come in streams of events.</summary>
internal sealed class SqliteOrderSection : SqliteSection
{
    public override void Write(SqliteSession session, string stream, EntityAppend append, SqliteWriting writing)
    {
        foreach (var order in append.Orders)
        {
            session.Execute(
                "INSERT OR REPLACE INTO orders (entity_type, entity_id, stream, sequence, expires_at) VALUES ($1, $2, $3, $4, $5)",
                append.Entity.Type, append.Entity.Key, order.Stream, order.Sequence, order.ExpiresAt is { } expiry ? SqliteTime.ToText(expiry) : DBNull.Value);
        }
    }
}
