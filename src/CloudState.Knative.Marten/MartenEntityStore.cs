using CloudState.Knative.Hosting;
using CloudState.Knative.Ownership;
using CloudState.Knative.Storage;
using JasperFx;
using Marten;
using Npgsql;

namespace CloudState.Knative.Marten;

/// <summary>
/// Keeps entities in PostgreSQL: one Marten stream per entity, its latest snapshot as a document beside it, and the records of
/// its commands in a table of their own, all written by the same session and so in one transaction.
/// </summary>
internal sealed class MartenEntityStore : IEntityStore
{
    // Spells "CloudSta"; any number will do that nobody else on the database uses.
    private const long MigrationLock = 0x436c6f7564537461;

    // Operations of one round trip. The largest batches that the journal forms stay below.
    private const int OperationsPerRoundTrip = 2000;

    private readonly string _schema;
    private readonly TimeSpan _lease;
    private readonly CommandTable _commands;
    private readonly MemberTables _memberTables;
    private readonly NpgsqlDataSource _database;
    private readonly DocumentStore _store;
    private readonly EntityQueries _queries;
    private readonly EntityLoader _loader;
    private readonly PostgresMemberStore _members;

    public MartenEntityStore(MartenStoreOptions options, RingOptions ring, MessageTypes types)
    {
        MaxConcurrentAppends = options.MaxConcurrentAppends;
        _schema = options.SchemaName;
        _lease = ring.Lease;
        _commands = new CommandTable(_schema);
        _memberTables = new MemberTables(_schema);
        var connection = PostgresConnection.WithDefaults(options.ConnectionString);
        _database = NpgsqlDataSource.Create(connection);
        _store = new DocumentStore(MartenOptions());
        _queries = new EntityQueries(_database, _schema, _memberTables, types);
        _loader = new EntityLoader(_queries, _store);
        _members = new PostgresMemberStore(connection, ring.Lease, _schema, _memberTables);

        StoreOptions MartenOptions()
        {
            var marten = new StoreOptions { DatabaseSchemaName = _schema };
            marten.UseCloudStateEvents(types);
            marten.Storage.ExtendedSchemaObjects.Add(_commands.Definition());
            marten.Storage.ExtendedSchemaObjects.AddRange(_memberTables.Definitions());
            options.Configure?.Invoke(marten);

            marten.UseProtobufJson(types);
            marten.Connection(_database);
            marten.CommandTimeout = connection.CommandTimeout;
            marten.UpdateBatchSize = OperationsPerRoundTrip;
            marten.AutoCreateSchemaObjects = AutoCreate.None;

            // The runtime retries, and knows that an append may have been committed although its answer was lost.
            marten.ConfigurePolly(_ => { });
            marten.ConfigureWritePolly(_ => { });
            return marten;
        }
    }

    public int MaxConcurrentAppends { get; }

    public IMemberStore Members => _members;

    public string SchemaScript() => _store.Storage.ToDatabaseScript();

    public Task MigrateAsync(CancellationToken cancellationToken) => RunAsync(
        async () =>
        {
            // A transaction that only holds the lock: pods that migrate at the same time do so one after another.
            await using var connection = await _database.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await using var takeLock = new NpgsqlCommand($"select pg_advisory_xact_lock({MigrationLock})", connection, transaction) { CommandTimeout = 0 };
            await takeLock.ExecuteNonQueryAsync(cancellationToken);
            await _store.Storage.ApplyAllConfiguredChangesToDatabaseAsync(AutoCreate.CreateOrUpdate);
        },
        cancellationToken);

    public Task CheckAsync(CancellationToken cancellationToken) =>
        RunAsync(() => _queries.CheckAsync(cancellationToken), cancellationToken);

    public Task<StoredEntity> LoadAsync(EntityKey key, CommandIdWindow commandIds, CancellationToken cancellationToken) =>
        RunAsync(() => _loader.LoadAsync(key, commandIds, cancellationToken), cancellationToken);

    public Task AppendAsync(IReadOnlyList<EntityAppend> batch, Guid? memberId, CancellationToken cancellationToken) => RunAsync(
        async () =>
        {
            await using var session = _store.LightweightSession();

            // Rows are written in the order of their keys, so that two batches cannot wait for each other.
            var appends = batch.OrderBy(append => append.Key.ToString(), StringComparer.Ordinal).ToArray();

            // 1. The fence: the first statement of the transaction.
            if (memberId is { } member)
            {
                session.QueueOperation(new MemberFence(_memberTables, member, _lease));
            }

            // 2. The versions that Marten does not look at, because no event follows.
            var withoutEvents = appends.Where(append => append.Events.Count == 0).ToArray();
            if (withoutEvents.Length > 0)
            {
                session.QueueOperation(new StreamVersionCheck(_schema, withoutEvents));
            }

            // 3. Command records, snapshots, and events with their expected versions.
            _commands.Queue(session, appends);
            foreach (var append in appends)
            {
                var stream = append.Key.ToString();
                if (append.Snapshot is { } snapshot)
                {
                    session.Store(new EntitySnapshot { Id = stream, Version = snapshot.Version, State = snapshot.State });
                }

                if (append.Events.Count > 0)
                {
                    AppendEvents(session, stream, append);
                }
            }

            await session.SaveChangesAsync(cancellationToken);
        },
        cancellationToken);

    public Task<CommandRecord?> FindCommandAsync(EntityKey key, string commandId, CancellationToken cancellationToken) =>
        RunAsync(() => _queries.FindCommandAsync(key.ToString(), commandId, cancellationToken), cancellationToken);

    public Task ForgetCommandsAsync(DateTimeOffset before, CancellationToken cancellationToken) =>
        RunAsync(() => _queries.ForgetCommandsAsync(before, cancellationToken), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _members.DisposeAsync();
        await _store.DisposeAsync();
        await _database.DisposeAsync();
    }

    private static void AppendEvents(IDocumentSession session, string stream, EntityAppend append)
    {
        var appended = session.Events.Append(stream, append.ExpectedVersion + append.Events.Count, append.Events);

        // The protobuf name says what an event is. By a CLR name Marten would load classes that the service does not handle, or fail on renamed ones.
        foreach (var newEvent in appended.Events)
        {
            newEvent.DotNetTypeName = "";
        }
    }

    private static Task RunAsync(Func<Task> work, CancellationToken cancellationToken) => RunAsync(
        async () =>
        {
            await work();
            return true;
        },
        cancellationToken);

    private static Task<T> RunAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken) =>
        MartenFailures.TranslateAsync(work, cancellationToken);
}
