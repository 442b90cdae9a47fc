using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace CloudState.Knative.Sqlite;

/// <summary>Appends a whole batch in one transaction.</summary>
internal static class SqliteAppend
{
    public static void Run(SqliteSession session, IReadOnlyList<EntityAppend> batch, StoredTypes types, DateTimeOffset now)
    {
        try
        {
            var writing = new SqliteWriting(types, SqliteTime.ToText(now));
            session.InTransaction("BEGIN IMMEDIATE", () =>
            {
                foreach (var append in batch)
                {
                    foreach (var section in SqliteSection.All)
                    {
                        section.Write(session, append.Entity.ToString(), append, writing);
                    }
                }
            });
        }
        catch (SqliteException duplicate) when (duplicate.SqliteExtendedErrorCode
            is raw.SQLITE_CONSTRAINT_PRIMARYKEY or raw.SQLITE_CONSTRAINT_UNIQUE)
        {
            throw new VersionConflictException("A command id or an event of the batch is stored already.", duplicate);
        }
        catch (SqliteException refused) when (refused.SqliteErrorCode == raw.SQLITE_CONSTRAINT)
        {
            // A trigger or a constraint of the user's own: about this command.
            throw new InvalidOperationException($"The embedded store refuses the command: {refused.Message}", refused);
        }
    }
}
