using System.Runtime.InteropServices;
using CloudState.Knative.Storage;
using SQLitePCL;

namespace CloudState.Knative.Sqlite;

/// <summary>
/// Watches the files of an open database. An operating system lets a process go on writing into a file that was deleted or replaced, and what it
/// writes is gone with the process.
/// </summary>
/// <remarks>
/// The store is down from then on until the files are back, or the process starts again: what entities have in memory says nothing about another
/// file. The lock file is known by its time, which is set when it is locked: one that another process has made has a time of its own.
/// </remarks>
internal sealed partial class SqliteFiles(string path)
{
    // SQLITE_FCNTL_HAS_MOVED
    private const int HasMoved = 20;

    private readonly string _lockPath = SqliteFileLock.PathOf(path);
    private DateTime _lockedAt;

    /// <summary>Notes the lock file, which was just locked.</summary>
    public void NoteLock()
    {
        File.SetLastWriteTimeUtc(_lockPath, DateTime.UtcNow);
        _lockedAt = File.GetLastWriteTimeUtc(_lockPath);
    }

    /// <summary>To be called after each commit, before anybody hears of it.</summary>
    /// <exception cref="StoreUnavailableException">A file is not the one that was opened.</exception>
    public void Check(SqliteSession session)
    {
        var lost = IsMoved(session.Handle) ? path
            : !File.Exists(path + "-wal") ? path + "-wal"
            : File.GetLastWriteTimeUtc(_lockPath) != _lockedAt ? _lockPath
            : null;
        if (lost is not null)
        {
            throw new StoreUnavailableException(
                $"The file '{lost}' of the embedded store was deleted or replaced while the service ran. Put it back, or start the service again to go on with what is there.")
            {
                Cause = lost,
                NeedsOperator = true,
            };
        }
    }

    private static bool IsMoved(sqlite3 database)
    {
        // Systems that cannot tell leave it 0.
        var result = 0;
        _ = FileControl(database, "main", HasMoved, ref result);
        return result != 0;
    }

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_file_control", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int FileControl(SafeHandle database, string name, int operation, ref int result);
}
