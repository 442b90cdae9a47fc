using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Sqlite;

/// <summary>One kind of stored fact: what an append writes of it. A new fact is a new section, a line in <see cref="All"/> and a step of the schema.</summary>
internal abstract class SqliteSection
{
    /// <summary>In the order in which they write.</summary>
    public static IReadOnlyList<SqliteSection> All { get; } =
    [
        new SqliteEventSection(), new SqliteJournalSection(), new SqliteValueSection(), new SqliteReplicaSection(), new SqliteRecordSection(), new SqliteOutboxSection(), new SqliteOrderSection(),
        new SqliteTimerSection(),
    ];

    /// <exception cref="VersionConflictException">The entity is not at the expected version.</exception>
    public abstract void Write(SqliteSession session, string stream, EntityAppend append, SqliteWriting writing);

    protected static void CheckVersion(string stream, long version, StateChange change)
    {
        if (version != change.ExpectedVersion)
        {
            throw new VersionConflictException($"Entity '{stream}' is at version {version}, not at the expected {change.ExpectedVersion}.");
        }
    }
}

/// <summary>What sections need to write.</summary>
/// <param name="Types">The types of events, snapshots and values.</param>
/// <param name="Now">The time of the append, as text.</param>
internal sealed record SqliteWriting(StoredTypes Types, string Now);
