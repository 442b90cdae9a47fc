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
    private readonly NpgsqlDataSource _database;
    private readonly DocumentStore _store;
    private readonly EntityQueries _queries;
    private readonly EntityLoader _loader;
    private readonly SessionAppend _sessionAppend;
    private readonly SetBasedAppend? _setBasedAppend;
    private readonly PostgresMemberStore _members;

    public MartenEntityStore(MartenStoreOptions options, RingOptions ring, MessageTypes types)
    {
        MaxConcurrentAppends = options.MaxConcurrentAppends;
        _schema = options.SchemaName;
        var commands = new CommandTable(_schema);
        var memberTables = new MemberTables(_schema);
        var connection = PostgresConnection.WithDefaults(options.ConnectionString);
        _database = NpgsqlDataSource.Create(connection);
        _store = new DocumentStore(MartenOptions());
        _queries = new EntityQueries(_database, _schema, memberTables, types);
        _loader = new EntityLoader(_queries, _store, readsThroughMarten: options.Configure is not null);
        _sessionAppend = new SessionAppend(_store, _schema, commands, memberTables, ring.Lease);
        _setBasedAppend = options.SetBasedAppend ?? options.Configure is null ? new SetBasedAppend(_database, _schema, memberTables, types) : null;
        _members = new PostgresMemberStore(connection, ring.Lease, _schema, memberTables);

        StoreOptions MartenOptions()
        {
            var marten = new StoreOptions { DatabaseSchemaName = _schema };
            marten.UseCloudStateEvents(types);
            marten.Storage.ExtendedSchemaObjects.Add(commands.Definition());
            marten.Storage.ExtendedSchemaObjects.AddRange(memberTables.Definitions());
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
        () =>
        {
            // Rows are written in the order of their keys, so that two batches cannot wait for each other.
            var appends = new (string Stream, EntityAppend Append)[batch.Count];
            for (var i = 0; i < appends.Length; i++)
            {
                appends[i] = (batch[i].Key.ToString(), batch[i]);
            }

            Array.Sort(appends, static (left, right) => string.CompareOrdinal(left.Stream, right.Stream));
            return _setBasedAppend is not null
                ? _setBasedAppend.RunAsync(appends, memberId, cancellationToken)
                : _sessionAppend.RunAsync(appends, memberId, cancellationToken);
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
