using CloudState.Knative.Storage;
using Google.Protobuf;
using JasperFx;
using JasperFx.Events;
using Marten;
using Marten.Exceptions;
using Npgsql;

namespace CloudState.Knative.Marten;

/// <summary>
/// Keeps entities in PostgreSQL: one Marten stream per entity, its latest snapshot as a document beside it, and the records of
/// its commands in a table of their own, all written by the same session and so in one transaction.
/// </summary>
internal sealed class MartenEntityStore : IEntityStore
{
    // Any number that no other user of advisory locks on the database has.
    private const long MigrationLock = 0x436c6f7564537461;

    private readonly NpgsqlDataSource _database;
    private readonly DocumentStore _store;
    private readonly EntityQueries _queries;
    private readonly CommandTable _commands;
    private readonly string _schema;

    public MartenEntityStore(MartenStoreOptions options, MessageTypes types)
    {
        _schema = options.SchemaName;
        _commands = new CommandTable(_schema);
        _database = PostgresDataSource.Create(options.ConnectionString);
        _queries = new EntityQueries(_database, _schema, types);
        _store = new DocumentStore(Configured(options, types));
        MaxConcurrentAppends = options.MaxConcurrentAppends;
    }

    public int MaxConcurrentAppends { get; }

    public string SchemaScript() => _store.Storage.ToDatabaseScript();

    public Task MigrateAsync(CancellationToken cancellationToken) => RunAsync(
        async () =>
        {
            // A transaction that does nothing but hold the lock: pods that migrate at the same time do so one after another.
            await using var connection = await _database.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await using var waitForLock = new NpgsqlCommand($"select pg_advisory_xact_lock({MigrationLock})", connection, transaction) { CommandTimeout = 0 };
            await waitForLock.ExecuteNonQueryAsync(cancellationToken);
            await _store.Storage.ApplyAllConfiguredChangesToDatabaseAsync(AutoCreate.CreateOrUpdate, ct: cancellationToken);
            return 0;
        },
        cancellationToken);

    public Task CheckAsync(CancellationToken cancellationToken) => RunAsync(
        async () =>
        {
            await _queries.CheckAsync(cancellationToken);
            return 0;
        },
        cancellationToken);

    public Task<StoredEntity> LoadAsync(EntityKey key, CommandIdWindow commandIds, CancellationToken cancellationToken) => RunAsync(
        async () =>
        {
            var stream = key.ToString();
            try
            {
                var head = await _queries.ReadHeadAsync(stream, commandIds, cancellationToken);
                var snapshotVersion = head.Snapshot?.Version ?? 0;
                var laterEvents = head.Version > snapshotVersion ? await ReadEventsAsync(stream, snapshotVersion, cancellationToken) : [];
                var entity = new StoredEntity(head.Snapshot, laterEvents, head.RecentCommands);

                // More events than at the first look were appended since; fewer are missing.
                return entity.Version >= head.Version && snapshotVersion <= head.Version && !head.IsArchived
                    ? entity
                    : throw new UnreadableEntityException(
                        $"it is {(head.IsArchived ? "archived" : "incomplete")}: the stream is at version {head.Version}, " +
                        $"the snapshot at {snapshotVersion}, with {laterEvents.Count} later events.");
            }
            catch (Exception unreadable) when (Unreadable(unreadable) is { } reason)
            {
                throw new UnreadableEntityException($"Entity '{stream}' cannot be read: {reason}", unreadable);
            }
        },
        cancellationToken);

    public Task AppendAsync(IReadOnlyList<EntityAppend> batch, CancellationToken cancellationToken) => RunAsync(
        async () =>
        {
            await using var session = _store.LightweightSession();

            // Rows are locked in the order of the keys, so that two batches never wait for each other.
            var appends = batch.OrderBy(append => append.Key.ToString(), StringComparer.Ordinal).ToArray();

            // 1. A fence would be queued here, as the first statement of the transaction.
            // 2. Appends without events: Marten would not look at their versions.
            var withoutEvents = appends.Where(append => append.Events.Count == 0).ToArray();
            if (withoutEvents.Length > 0)
            {
                session.QueueOperation(new StreamVersionCheck(_schema, withoutEvents));
            }

            // 3. Command records, then snapshots and events.
            _commands.Queue(session, appends);
            foreach (var append in appends)
            {
                var stream = append.Key.ToString();
                if (append.Events.Count > 0)
                {
                    session.Events.Append(stream, append.ExpectedVersion + append.Events.Count, append.Events);
                }

                if (append.Snapshot is { } snapshot)
                {
                    session.Store(new EntitySnapshot { Id = stream, Version = snapshot.Version, State = snapshot.State });
                }
            }

            await session.SaveChangesAsync(cancellationToken);
            return 0;
        },
        cancellationToken);

    public Task<CommandRecord?> FindCommandAsync(EntityKey key, string commandId, CancellationToken cancellationToken) =>
        RunAsync(() => _queries.FindCommandAsync(key.ToString(), commandId, cancellationToken), cancellationToken);

    public Task ForgetCommandsAsync(DateTimeOffset before, CancellationToken cancellationToken) => RunAsync(
        async () =>
        {
            await _queries.ForgetCommandsAsync(before, cancellationToken);
            return 0;
        },
        cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _database.DisposeAsync();
    }

    private static async Task<T> RunAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await work();
        }
        catch (Exception failure) when (MartenFailures.Translate(failure, cancellationToken) is { } translated)
        {
            throw translated;
        }
    }
}
