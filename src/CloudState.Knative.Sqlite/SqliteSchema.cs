using CloudState.Knative.Storage;

namespace CloudState.Knative.Sqlite;

/// <summary>The tables of the embedded store. <c>PRAGMA user_version</c> holds their version; 0 is a new file.</summary>
internal static class SqliteSchema
{
    public const long Version = 1;

    // commands_by_stream serves "the latest of an entity": every index on a rowid table ends with the rowid, here the number.
    public const string Script = """
        CREATE TABLE events (
            stream  TEXT    NOT NULL,
            version INTEGER NOT NULL,
            type    TEXT    NOT NULL,
            data    TEXT    NOT NULL,
            at      TEXT    NOT NULL,
            PRIMARY KEY (stream, version)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE snapshots (
            stream  TEXT    NOT NULL PRIMARY KEY,
            version INTEGER NOT NULL,
            type    TEXT    NOT NULL,
            state   TEXT    NOT NULL
        ) STRICT;

        CREATE TABLE commands (
            number        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            stream        TEXT    NOT NULL,
            command_id    TEXT    NOT NULL,
            method        TEXT    NOT NULL,
            fingerprint   INTEGER NOT NULL,
            status_code   INTEGER NOT NULL,
            status_detail TEXT    NOT NULL,
            reply         BLOB    NOT NULL,
            handled_at    TEXT    NOT NULL,
            UNIQUE (stream, command_id)
        ) STRICT;
        CREATE INDEX commands_by_stream ON commands (stream);
        CREATE INDEX commands_by_time ON commands (handled_at);

        PRAGMA user_version = 1;
        """;

    public static void Migrate(SqliteSession session) => session.InTransaction("BEGIN IMMEDIATE", () =>
    {
        if (ReadVersion(session) == 0)
        {
            session.ExecuteScript(Script);
        }
    });

    /// <summary>Returns the version of the schema.</summary>
    /// <exception cref="StoreUnavailableException">The tables are missing.</exception>
    /// <exception cref="InvalidOperationException">A newer release has upgraded them.</exception>
    public static long Check(SqliteSession session)
    {
        var version = ReadVersion(session);
        return version > 0 ? version : throw new StoreUnavailableException(
            $"The embedded store '{session.Path}' has no schema yet. Start the service once with --migrate.");
    }

    private static long ReadVersion(SqliteSession session)
    {
        var version = (long)session.Scalar("PRAGMA user_version")!;
        return version <= Version ? version : throw new InvalidOperationException(
            $"The embedded store '{session.Path}' has schema version {version}, written by a newer release of CloudState.Knative.Sqlite; " +
            $"this release knows versions up to {Version}. Update the package, or point the service to another file.");
    }
}
