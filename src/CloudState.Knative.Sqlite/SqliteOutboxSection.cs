using CloudState.Knative.Storage;

namespace CloudState.Knative.Sqlite;

/// <summary>What commands have requested to be delivered.</summary>
internal sealed class SqliteOutboxSection : SqliteSection
{
    public override void Write(SqliteSession session, string stream, EntityAppend append, SqliteWriting writing)
    {
        foreach (var entry in append.Outbox)
        {
            session.Execute(
                "INSERT INTO outbox (id, entity_type, entity_id, slot, method, call) VALUES ($1, $2, $3, $4, $5, $6)",
                entry.Id.ToString(), entry.Origin.Type, entry.Origin.Key, entry.SlotNumber, entry.Method, entry.Content.ToByteArray());
        }
    }
}
