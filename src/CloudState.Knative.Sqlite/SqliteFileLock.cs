namespace CloudState.Knative.Sqlite;

/// <summary>
/// Keeps a second process away from a database file: an exclusive lock of the operating system on <c>{file}-lock</c>,
/// which ends with the process however that ends. SQLite's own locks stay free, so that other tools can read the database.
/// </summary>
internal static class SqliteFileLock
{
    public static string PathOf(string path) => path + "-lock";

    /// <exception cref="InvalidOperationException">Another process has the file, or the folder cannot be written.</exception>
    public static FileStream Acquire(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);

            // The lock file is never deleted: a process could lock the deleted one while the next creates a new one.
            return new FileStream(PathOf(path), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (IOException locked) when (IsSharingViolation(locked))
        {
            throw new InvalidOperationException(
                $"The embedded store '{path}' is used by another process. One process may use a file: stop the other one, " +
                "give this one another file, or use PostgreSQL for several processes.", locked);
        }
        catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(path, unwritable);
        }
    }

    public static InvalidOperationException NotWritable(string path, Exception cause) => new(
        $"The embedded store cannot be opened at '{path}': {cause.Message} " +
        "Make the file and its folder writable for this user, give another path, or use PostgreSQL.", cause);

    // EWOULDBLOCK of flock on Linux and macOS, ERROR_SHARING_VIOLATION on Windows.
    private static bool IsSharingViolation(IOException exception) =>
        exception.HResult == (OperatingSystem.IsWindows() ? unchecked((int)0x80070020) : OperatingSystem.IsMacOS() ? 35 : 11);
}
