using CloudState.Knative.Storage;

namespace CloudState.Knative.Sqlite;

/// <summary>Timers that are set and cancelled.</summary>
internal sealed class SqliteTimerSection : SqliteSection
{
    public override void Write(SqliteSession session, string stream, EntityAppend append, SqliteWriting writing)
    {
        foreach (var (name, timer) in append.Timers)
        {
            if (timer is null)
            {
                session.Execute("DELETE FROM timers WHERE entity_type = $1 AND entity_id = $2 AND name = $3", append.Entity.Type, append.Entity.Key, name);
            }
            else
            {
                session.Execute(
                    "INSERT OR REPLACE INTO timers (entity_type, entity_id, name, id, slot, due_at, method, call) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                    append.Entity.Type, append.Entity.Key, name, timer.Id.ToString(), timer.SlotNumber, SqliteTime.ToText(timer.DueAt), timer.Method, timer.Call.ToByteArray());
            }
        }
    }
}
