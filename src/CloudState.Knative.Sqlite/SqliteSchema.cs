using CloudState.Knative.Storage;

namespace CloudState.Knative.Sqlite;

/// <summary>The tables of the embedded store. <c>PRAGMA user_version</c> holds their version; 0 is a new file.</summary>
internal static class SqliteSchema
{
    // commands_by_stream serves "the latest of an entity": every index on a rowid table ends with the rowid, here the number.
    public const string ToVersion1 = """
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

    public const string ToVersion2 = """
        ALTER TABLE events ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE commands ADD COLUMN details BLOB NOT NULL DEFAULT x'';

        CREATE TABLE entity_values (
            stream     TEXT    NOT NULL PRIMARY KEY,
            version    INTEGER NOT NULL,
            type       TEXT,
            value      TEXT,
            expires_at TEXT
        ) STRICT;
        CREATE INDEX entity_values_by_expiry ON entity_values (expires_at) WHERE expires_at IS NOT NULL;

        CREATE TABLE outbox (
            number      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            id          TEXT    NOT NULL UNIQUE,
            entity_type TEXT    NOT NULL,
            entity_id   TEXT    NOT NULL,
            slot        INTEGER NOT NULL,
            method      TEXT    NOT NULL,
            call        BLOB    NOT NULL
        ) STRICT;

        PRAGMA user_version = 2;
        """;

    // Events get their place among those of all entities: old ones by their time.
    public const string ToVersion3 = """
        ALTER TABLE events ADD COLUMN number INTEGER;
        UPDATE events SET number = numbered.number
            FROM (SELECT stream, version, row_number() OVER (ORDER BY at, stream, version) AS number FROM events) AS numbered
            WHERE numbered.stream = events.stream AND numbered.version = events.version;
        CREATE UNIQUE INDEX events_by_number ON events (number);

        CREATE TABLE positions (
            consumer    TEXT    NOT NULL,
            entity_type TEXT    NOT NULL,
            slot        INTEGER NOT NULL,
            position    INTEGER NOT NULL,
            PRIMARY KEY (consumer, entity_type, slot)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE timers (
            entity_type TEXT    NOT NULL,
            entity_id   TEXT    NOT NULL,
            name        TEXT    NOT NULL,
            id          TEXT    NOT NULL UNIQUE,
            slot        INTEGER NOT NULL,
            due_at      TEXT    NOT NULL,
            method      TEXT    NOT NULL,
            call        BLOB    NOT NULL,
            PRIMARY KEY (entity_type, entity_id, name)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX timers_by_time ON timers (due_at);

        CREATE TABLE orders (
            entity_type TEXT    NOT NULL,
            entity_id   TEXT    NOT NULL,
            stream      TEXT    NOT NULL,
            sequence    INTEGER NOT NULL,
            expires_at  TEXT,
            PRIMARY KEY (entity_type, entity_id, stream)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX orders_by_expiry ON orders (expires_at) WHERE expires_at IS NOT NULL;

        CREATE TABLE parked (
            number      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            id          TEXT    NOT NULL UNIQUE,
            lane        TEXT    NOT NULL,
            entity_type TEXT    NOT NULL,
            entity_id   TEXT    NOT NULL,
            slot        INTEGER NOT NULL,
            content     BLOB    NOT NULL,
            error       TEXT    NOT NULL,
            attempts    INTEGER NOT NULL,
            parked_at   TEXT    NOT NULL
        ) STRICT;
        CREATE INDEX parked_by_origin ON parked (entity_type, entity_id, lane, number);

        PRAGMA user_version = 3;
        """;

    // Positions in slots take the place of numbers among the events of all entities: checkpoints are converted when they are read first.
    private const string ToVersion4 = """
        CREATE TABLE journal (
            entity_type TEXT    NOT NULL,
            slot        INTEGER NOT NULL,
            position    INTEGER NOT NULL,
            stream      TEXT    NOT NULL,
            version     INTEGER NOT NULL,
            PRIMARY KEY (entity_type, slot, position)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE journal_slots (
            entity_type TEXT    NOT NULL,
            slot        INTEGER NOT NULL,
            number      INTEGER NOT NULL,
            position    INTEGER NOT NULL,
            PRIMARY KEY (entity_type, slot)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE checkpoints (
            consumer    TEXT    NOT NULL,
            entity_type TEXT    NOT NULL,
            slot        INTEGER NOT NULL,
            position    INTEGER NOT NULL,
            PRIMARY KEY (consumer, entity_type, slot)
        ) STRICT, WITHOUT ROWID;
        ALTER TABLE commands ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
        PRAGMA user_version = 4;
        """;

    private const string ToVersion5 = """
        CREATE TABLE names (
            id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
            content TEXT    NOT NULL
        ) STRICT;
        PRAGMA user_version = 5;
        """;

    private const string ToVersion6 = """
        CREATE TABLE replicas (
            stream     TEXT    NOT NULL PRIMARY KEY,
            epoch      INTEGER NOT NULL,
            seats      TEXT    NOT NULL,
            numbers    TEXT    NOT NULL,
            state      BLOB,
            value      TEXT,
            changed_at TEXT    NOT NULL
        ) STRICT;

        CREATE TABLE deltas (
            stream TEXT    NOT NULL,
            epoch  INTEGER NOT NULL,
            seat   INTEGER NOT NULL,
            first  INTEGER NOT NULL,
            last   INTEGER NOT NULL,
            data   BLOB    NOT NULL,
            PRIMARY KEY (stream, epoch, seat, first)
        ) STRICT, WITHOUT ROWID;
        PRAGMA user_version = 6;
        """;

    private static readonly string[] Steps = [ToVersion1, ToVersion2, ToVersion3, ToVersion4, ToVersion5, ToVersion6];

    public static string Script => string.Join("\n\n", Steps);

    /// <summary>Returns whether the schema has changed.</summary>
    public static bool Migrate(SqliteSession session)
    {
        var steps = Array.Empty<string>();
        session.InTransaction("BEGIN IMMEDIATE", () =>
        {
            steps = Steps[(int)ReadVersion(session)..];
            foreach (var step in steps)
            {
                session.ExecuteScript(step);
            }
        });
        return steps.Length > 0;
    }

    /// <summary>Returns the version of the schema.</summary>
    /// <exception cref="StoreUnavailableException">Tables are missing.</exception>
    /// <exception cref="InvalidOperationException">A newer release has upgraded them.</exception>
    public static long Check(SqliteSession session)
    {
        var version = ReadVersion(session);
        return version == Steps.Length ? version : throw new StoreUnavailableException(
            $"The embedded store '{session.Path}' {(version == 0 ? "has no schema yet" : "has the schema of an older release")}. Start the service once with --migrate.");
    }

    /// <summary>Writes, and changes nothing.</summary>
    public static void Touch(SqliteSession session) => session.ExecuteScript($"PRAGMA user_version = {Check(session)}");

    private static long ReadVersion(SqliteSession session)
    {
        var version = (long)session.Scalar("PRAGMA user_version")!;
        return version <= Steps.Length ? version : throw new InvalidOperationException(
            $"The embedded store '{session.Path}' has schema version {version}, written by a newer release of CloudState.Knative.Sqlite; " +
            $"this release knows versions up to {Steps.Length}. Update the package, or point the service to another file.");
    }
}
