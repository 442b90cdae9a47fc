using System.Collections.Concurrent;
using CloudState.Knative.Storage;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace CloudState.Knative.Sqlite;

/// <summary>
/// The connections to one database file, opened and locked at the first use. SQLite works synchronously, so everything runs on a
/// pool thread: writes one after another on the only writing connection, reads beside them on a few of their own (WAL lets a
/// reader see the last commit while a write is under way). A database in memory has one connection for both.
/// </summary>
internal sealed class SqliteDatabase(SqliteStoreOptions options) : IAsyncDisposable
{
    private const string InMemory = ":memory:";
    private static readonly int MaxReaders = Environment.ProcessorCount;

    private readonly string _path = options.Path == InMemory ? InMemory : Path.GetFullPath(options.Path);
    private readonly SemaphoreSlim _writing = new(1);
    private readonly SemaphoreSlim _reading = new(MaxReaders);
    private readonly ConcurrentBag<SqliteSession> _idleReaders = [];
    private SqliteFiles? _files;
    private FileStream? _lock;
    private SqliteSession? _writer;
    private volatile bool _schemaChecked;
    private bool _isWaitingForSchema;
    private volatile bool _disposed;

    public Task<bool> MigrateAsync(CancellationToken cancellationToken) => RunAsync(_writing, () => Writer().Guard(session =>
    {
        var hasChanged = SqliteSchema.Migrate(session);
        _schemaChecked = true;
        return hasChanged;
    }), cancellationToken);

    public Task WriteAsync(Action<SqliteSession> work, CancellationToken cancellationToken) => RunAsync(_writing, () => CheckedWriter().Guard(session =>
    {
        work(session);
        _files?.Check(session);
        return true;
    }), cancellationToken);

    /// <exception cref="StoreUnavailableException">The files that are open are no longer those of the path.</exception>
    public Task CheckFilesAsync(CancellationToken cancellationToken) => RunAsync(_writing, () => CheckedWriter().Guard(session =>
    {
        _files?.Check(session);
        return true;
    }), cancellationToken);

    public async Task<T> ReadAsync<T>(Func<SqliteSession, T> work, CancellationToken cancellationToken)
    {
        if (_path == InMemory)
        {
            return await RunAsync(_writing, () => CheckedWriter().Guard(work), cancellationToken);
        }

        if (!_schemaChecked)
        {
            await RunAsync(_writing, CheckedWriter, cancellationToken);
        }

        return await RunAsync(_reading, () => Read(work), cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        await _writing.WaitAsync();
        for (var reader = 0; reader < MaxReaders; reader++)
        {
            await _reading.WaitAsync();
        }

        foreach (var reader in _idleReaders)
        {
            reader.Dispose();
        }

        _writer?.Dispose();
        _lock?.Dispose();

        // Those that still wait come in, one after another, and find the store disposed.
        _writing.Release();
        _reading.Release(MaxReaders);
    }

    private async Task<T> RunAsync<T>(SemaphoreSlim gate, Func<T> work, CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(SqliteEntityStore));
            return await Task.Run(work, CancellationToken.None);
        }
        finally
        {
            gate.Release();
        }
    }

    private T Read<T>(Func<SqliteSession, T> work)
    {
        var reader = _idleReaders.TryTake(out var idle) ? idle : Open(SqliteOpenMode.ReadOnly);
        try
        {
            return reader.Guard(work);
        }
        finally
        {
            _idleReaders.Add(reader);
        }
    }

    private SqliteSession CheckedWriter()
    {
        var writer = Writer();
        if (!_schemaChecked)
        {
            try
            {
                writer.Guard(SqliteSchema.Check);
            }
            catch (StoreUnavailableException)
            {
                // So that another process can migrate the file.
                Close();
                throw;
            }

            _schemaChecked = true;
        }

        return writer;
    }

    private void Close()
    {
        if (_path != InMemory)
        {
            _writer?.Dispose();
            _lock?.Dispose();
            (_writer, _lock, _isWaitingForSchema) = (null, null, true);
        }
    }

    private SqliteSession Writer()
    {
        if (_path != InMemory)
        {
            try
            {
                if (_lock is null)
                {
                    _lock = SqliteFileLock.Acquire(_path);
                    _files = new SqliteFiles(_path);
                    _files.NoteLock();
                }
            }
            catch (InvalidOperationException taken) when (_isWaitingForSchema)
            {
                throw new StoreUnavailableException(taken.Message, taken);
            }
        }

        return _writer ??= Open(SqliteOpenMode.ReadWriteCreate);
    }

    private SqliteSession Open(SqliteOpenMode mode)
    {
        try
        {
            return new SqliteSession(_path, mode, options.BusyTimeout);
        }
        catch (SqliteException unusable) when (unusable.SqliteErrorCode is raw.SQLITE_CANTOPEN or raw.SQLITE_READONLY or raw.SQLITE_NOTADB)
        {
            throw SqliteFileLock.NotWritable(_path, unusable);
        }
        catch (SqliteException failure)
        {
            throw new StoreUnavailableException($"The embedded store '{_path}' cannot be opened: {failure.Message}", failure);
        }
    }
}
