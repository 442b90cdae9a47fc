using Npgsql;

namespace CloudState.Knative.Marten.Cluster;

/// <summary>
/// One connection that stays open, to run batches and to hear of changes in between: outside of the pool, so that it neither
/// waits for others nor takes a place from them. It is opened at the first batch, and again after whatever failed.
/// </summary>
/// <remarks>
/// Cancelling a wait leaves the connection usable: Npgsql then only stops reading. Now and then it misses a cancellation, so that no wait lasts longer than a part of the lease.
/// </remarks>
internal sealed class MemberConnection(NpgsqlConnectionStringBuilder settings, TimeSpan lease, string channel) : IAsyncDisposable
{
    private readonly NpgsqlDataSource _database = DataSource(settings, lease);
    private readonly TimeSpan _longestWait = lease / 10;
    private NpgsqlConnection? _connection;
    private bool _mayHaveChanged;

    /// <summary>Runs the commands in one transaction and one round trip.</summary>
    public async Task<T> RunAsync<T>(IEnumerable<NpgsqlBatchCommand> commands, Func<NpgsqlDataReader, Task<T>> read, CancellationToken cancellationToken)
    {
        try
        {
            var isNew = _connection is null;
            _connection ??= await _database.OpenConnectionAsync(cancellationToken);
            await using var batch = new NpgsqlBatch(_connection);
            if (isNew)
            {
                _connection.Notification += Hear;
                batch.BatchCommands.Add(Listen());
            }

            foreach (var command in commands)
            {
                batch.BatchCommands.Add(command);
            }

            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            var result = await read(reader);

            // Up to the end: only then it is committed.
            while (await reader.NextResultAsync(cancellationToken))
            {
            }

            return result;
        }
        catch
        {
            await LoseAsync();
            throw;
        }
    }

    /// <summary>Returns when another member has changed something, or may have, and when <paramref name="cancellationToken"/> is cancelled.</summary>
    public async Task WaitForChangeAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (!_mayHaveChanged)
            {
                // Without a connection there is nothing to hear; the next batch opens one.
                await (_connection?.WaitAsync(_longestWait, cancellationToken) ?? Task.Delay(Timeout.Infinite, cancellationToken));
                cancellationToken.ThrowIfCancellationRequested();
            }

            _mayHaveChanged = false;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        catch (Exception lost) when (lost is NpgsqlException or IOException or InvalidOperationException)
        {
            await LoseAsync();
            _mayHaveChanged = false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await LoseAsync();
        await _database.DisposeAsync();
    }

    private static NpgsqlDataSource DataSource(NpgsqlConnectionStringBuilder settings, TimeSpan lease) =>
        new NpgsqlDataSourceBuilder(Dedicated(settings, lease).ConnectionString)

            // All types here are PostgreSQL's own; to load others would take a round trip and a large answer.
            .ConfigureTypeLoading(types => types.EnableTypeLoading(false))

            // A trace for every heartbeat would only bury those of commands.
            .ConfigureTracing(traces => traces.ConfigureBatchFilter(_ => false))
            .Build();

    private static NpgsqlConnectionStringBuilder Dedicated(NpgsqlConnectionStringBuilder settings, TimeSpan lease) => new(settings.ConnectionString)
    {
        Pooling = false,

        // An answer that takes longer than a lease comes too late for anything.
        Timeout = (int)Math.Ceiling(lease.TotalSeconds),
        CommandTimeout = (int)Math.Ceiling(lease.TotalSeconds),
        CancellationTimeout = -1,

        // A connection that died while nothing is sent over it is found by TCP: Npgsql's own probe would break it when a wait
        // is cancelled in the middle, and could break it between two calls.
        KeepAlive = 0,
        TcpKeepAlive = true,
        TcpKeepAliveTime = 5,
        TcpKeepAliveInterval = 1,
    };

    // Committed by itself, before the rest of the batch begins: of what that does not see yet, nothing is missed.
    private NpgsqlBatchCommand Listen() => new($"listen \"{channel}\"") { AppendErrorBarrier = true };

    private void Hear(object sender, NpgsqlNotificationEventArgs notification) =>
        _mayHaveChanged |= notification.PID != ((NpgsqlConnection)sender).ProcessID;

    private async Task LoseAsync()
    {
        if (_connection is { } lost)
        {
            // Whatever is announced until the next connection listens is missed.
            _mayHaveChanged = true;
            _connection = null;
            await lost.DisposeAsync();
        }
    }
}
