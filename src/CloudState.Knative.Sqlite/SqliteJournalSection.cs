using CloudState.Knative.Storage;

namespace CloudState.Knative.Sqlite;

/// <summary>The positions of events in their slots, for types that are consumed.</summary>
internal sealed class SqliteJournalSection : SqliteSection
{
    public override void Write(SqliteSession session, string stream, EntityAppend append, SqliteWriting writing)
    {
        foreach (var entry in append.Journal)
        {
            session.Execute(
                "INSERT INTO journal (entity_type, slot, position, stream, version) VALUES ($1, $2, $3, $4, $5)",
                append.Entity.Type, entry.SlotNumber, entry.Position, stream, entry.Version);
        }
    }
}
