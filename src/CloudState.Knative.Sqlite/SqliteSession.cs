using System.Globalization;
using CloudState.Knative.Storage;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace CloudState.Knative.Sqlite;

/// <summary>One connection and its prepared statements; used by one thread at a time. Parameters are $1, $2 and so on.</summary>
internal sealed class SqliteSession : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, SqliteCommand> _prepared = [];

    public SqliteSession(string path, SqliteOpenMode mode, TimeSpan busyTimeout)
    {
        Path = path;
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = mode,
            ForeignKeys = true,
            Pooling = false,

            // The driver repeats busy statements for this many seconds, in steps of 150 ms; SQLite's own busy_timeout below is finer.
            DefaultTimeout = 1,
        }.ToString());

        try
        {
            _connection.Open();

            // fullfsync: on macOS a plain fsync does not reach the disk. No effect elsewhere.
            ExecuteScript(string.Create(CultureInfo.InvariantCulture,
                $"PRAGMA busy_timeout = {busyTimeout.TotalMilliseconds:F0}; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;"));
            if (mode == SqliteOpenMode.ReadWriteCreate)
            {
                // SQLite opens what it may not write as read-only instead of failing.
                if (raw.sqlite3_db_readonly(_connection.Handle, "main") != 0)
                {
                    throw new SqliteException("The file is read-only for this user.", raw.SQLITE_READONLY);
                }

                ExecuteScript("PRAGMA journal_mode = WAL;");
            }
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    public string Path { get; }

    public sqlite3 Handle => _connection.Handle!;

    public object? Scalar(string sql, params ReadOnlySpan<object> values) => Prepare(sql, values).ExecuteScalar();

    public void Execute(string sql, params ReadOnlySpan<object> values) => Prepare(sql, values).ExecuteNonQuery();

    public SqliteDataReader Query(string sql, params ReadOnlySpan<object> values) => Prepare(sql, values).ExecuteReader();

    public void ExecuteScript(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public void InTransaction(string begin, Action work)
    {
        Execute(begin);
        try
        {
            work();
            Execute("COMMIT");
        }
        catch
        {
            // After a full disk or an I/O error SQLite may have rolled back already.
            if (raw.sqlite3_get_autocommit(_connection.Handle) == 0)
            {
                Execute("ROLLBACK");
            }

            throw;
        }
    }

    /// <summary>Runs <paramref name="work"/>. Whatever SQLite says is about the data, or the store is not usable, whether it is known here or not.</summary>
    public T Guard<T>(Func<SqliteSession, T> work)
    {
        try
        {
            return work(this);
        }
        catch (SqliteException tooBig) when (tooBig.SqliteErrorCode == raw.SQLITE_TOOBIG)
        {
            throw new UnstorableDataException("It is larger than what SQLite stores in a row, about 1 GB.", tooBig);
        }
        catch (SqliteException failure)
        {
            throw new StoreUnavailableException($"The embedded store '{Path}' failed: {failure.Message}", failure);
        }
    }

    public void Dispose()
    {
        foreach (var command in _prepared.Values)
        {
            command.Dispose();
        }

        _connection.Dispose();
    }

    private SqliteCommand Prepare(string sql, ReadOnlySpan<object> values)
    {
        if (!_prepared.TryGetValue(sql, out var command))
        {
            command = _connection.CreateCommand();
            command.CommandText = sql;
            for (var number = 1; number <= values.Length; number++)
            {
                command.Parameters.Add(new SqliteParameter { ParameterName = string.Create(CultureInfo.InvariantCulture, $"${number}") });
            }

            _prepared.Add(sql, command);
        }

        for (var index = 0; index < values.Length; index++)
        {
            command.Parameters[index].Value = values[index];
        }

        return command;
    }
}
