using CloudState.Knative.Storage;

namespace CloudState.Knative.Sqlite;

/// <summary>Events, snapshots and deletions of entities that are stored as their events.</summary>
internal sealed class SqliteEventSection : SqliteSection
{
    public override void Write(SqliteSession session, string stream, EntityAppend append, SqliteWriting writing)
    {
        if (append.State is not EventsChange change)
        {
            return;
        }

        var version = session.Scalar("SELECT max(version) FROM events WHERE stream = $1", stream) as long? ?? 0;
        CheckVersion(stream, version, change);
        foreach (var newEvent in change.Events)
        {
            session.Execute(
                "INSERT INTO events (stream, version, type, data, at, number) VALUES ($1, $2, $3, $4, $5, (SELECT coalesce(max(number), 0) + 1 FROM events))",
                stream, ++version, writing.Types.Of(newEvent).Name, writing.Types.ToJsonText(newEvent), writing.Now);
        }

        if (change.DeletionVersion() is > 0 and var deletion)
        {
            session.Execute("UPDATE events SET archived = 1 WHERE stream = $1 AND version < $2 AND archived = 0", stream, deletion);
            session.Execute("DELETE FROM snapshots WHERE stream = $1", stream);
        }

        if (change.Snapshot is { } snapshot)
        {
            session.Execute(
                "INSERT OR REPLACE INTO snapshots (stream, version, type, state) VALUES ($1, $2, $3, $4)",
                stream, snapshot.Version, writing.Types.Of(snapshot.State).Name, writing.Types.ToJsonText(snapshot.State));
        }
    }
}
