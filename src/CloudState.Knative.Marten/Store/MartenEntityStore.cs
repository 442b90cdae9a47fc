using CloudState.Knative.Marten.Append;
using CloudState.Knative.Marten.Cluster;
using CloudState.Knative.Marten.Connection;
using CloudState.Knative.Marten.Documents;
using CloudState.Knative.Marten.Journal;
using CloudState.Knative.Marten.Load;
using CloudState.Knative.Marten.Outbox;
using CloudState.Knative.Marten.Sections;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Google.Protobuf;
using JasperFx;
using Marten;
using Npgsql;
using Weasel.Core;

namespace CloudState.Knative.Marten.Store;

/// <summary>
/// Keeps entities in PostgreSQL: one Marten stream per entity, its latest snapshot as a document beside it, and the records of
/// its commands in a table of their own, all written in one transaction.
/// </summary>
/// <remarks>
/// Marten makes the schema. Unless it is configured, that is all it is needed for: batches are appended and entities are read by statements of this library
/// over Marten's tables, and Marten is not even loaded.
/// </remarks>
internal sealed class MartenEntityStore : IEntityStore
{
    // Spells "CloudSta"; any number that nothing else on the database uses would do.
    private const long MigrationLock = 0x436c6f7564537461;

    // Operations of one round trip. The largest batches that the journal forms stay below.
    private const int OperationsPerRoundTrip = 2000;

    private readonly string _schema;
    private readonly NpgsqlDataSource _database;
    private readonly NpgsqlDataSource _appending;
    private readonly Lazy<(NpgsqlDataSource Database, DocumentStore Store)> _marten;
    private readonly RecordedNames _names;
    private readonly EntityQueries _queries;
    private readonly StoreCheck _check;
    private readonly EntityLoader _loader;
    private readonly SetBasedAppend _setBased;
    private readonly Func<IReadOnlyList<StreamAppend>, Guid?, CancellationToken, Task<DateTimeOffset?>> _append;
    private readonly PostgresMemberStore _members;

    public MartenEntityStore(MartenStoreOptions options, ClusterOptions cluster, StoredTypes types)
    {
        MaxConcurrentAppends = options.MaxConcurrentAppends;
        _schema = options.SchemaName;
        var sections = AppendSections.Create(_schema, types);
        var memberTables = new MemberTables(_schema);
        var connection = PostgresConnection.WithDefaults(options.ConnectionString);
        _database = PostgresConnection.DataSource(connection);

        // A pool takes its connections in turns. Appends have few of their own, where their statements are prepared and the server's caches are warm.
        _appending = PostgresConnection.DataSource(new(connection.ConnectionString) { MinPoolSize = 0, MaxPoolSize = options.MaxConcurrentAppends });
        _marten = new(OpenMarten);
        _names = new RecordedNames(_database, _schema, types.Shapes);
        _queries = new EntityQueries(_database, _schema);
        _check = new StoreCheck(_database, _schema, memberTables, _names);
        Outbox = new PostgresOutboxStore(_database, _schema);
        Timers = new PostgresTimerStore(_database, _schema);
        Journal = new PostgresJournalReader(_database, _schema, new SlotNumbering(_database, _schema, memberTables));
        Parked = new PostgresParkedStore(_database, _schema);
        var reader = new EntityReader(_database, _schema);
        Replicas = new PostgresReplicaStore(_database, _schema, reader);
        _loader = new EntityLoader(
            reader, types, _names, options.Configure is null ? null : _marten.Value.Store, options.MaxConcurrentLoads, TimeSpan.FromSeconds(connection.Timeout));
        _setBased = new SetBasedAppend(_appending, new AppendStatement(new FenceSection(memberTables), sections));
        _append = options.UseMartenSessions ?? options.Configure is not null
            ? new SessionAppend(_marten.Value.Store, memberTables, sections, cluster.Lease).RunAsync
            : _setBased.RunAsync;
        _members = new PostgresMemberStore(connection, cluster.Lease, _schema, memberTables);

        (NpgsqlDataSource Database, DocumentStore Store) OpenMarten()
        {
            // Unlike the statements of this library it reads types of the database's own.
            var database = NpgsqlDataSource.Create(connection);
            var store = new DocumentStore(ToMarten(database, options.Configure));
            if (options.Configure is not null)
            {
                using var expected = new DocumentStore(ToMarten(database, configure: null));
                MartenSettings.Check(store, expected, _schema);
            }

            return (database, store);
        }

        StoreOptions ToMarten(NpgsqlDataSource database, Action<StoreOptions>? configure)
        {
            var marten = new StoreOptions { DatabaseSchemaName = _schema };
            marten.UseCloudStateEvents(types);
            marten.Storage.ExtendedSchemaObjects.AddRange(AppendSections.TablesOf(sections));
            marten.Storage.ExtendedSchemaObjects.AddRange(JournalTables.Definitions(_schema));
            marten.Storage.ExtendedSchemaObjects.Add(ParkedTable.Definition(_schema));
            marten.Storage.ExtendedSchemaObjects.Add(RecordedNames.Definition(_schema));
            marten.Storage.ExtendedSchemaObjects.AddRange(memberTables.Definitions());
            configure?.Invoke(marten);

            marten.UseEntityJson(types);
            marten.Connection(database);
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

    public IOutboxStore Outbox { get; }

    public ITimerStore Timers { get; }

    public IJournalReader Journal { get; }

    public IParkedStore Parked { get; }

    public IReplicaStore Replicas { get; }

    public string SchemaScript() => _marten.Value.Store.Storage.ToDatabaseScript();

    public string GrantsScript(string role) => GrantScript.Of(role, _marten.Value.Store.Storage.Database.AllObjects());

    public Task<bool> MigrateAsync(CancellationToken cancellationToken) => RunAsync(
        async () =>
        {
            // A transaction that only holds the lock: pods that migrate at the same time do so one after another.
            await using var connection = await _database.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await using var takeLock = new NpgsqlCommand($"select pg_advisory_xact_lock({MigrationLock})", connection, transaction) { CommandTimeout = 0 };
            await takeLock.ExecuteNonQueryAsync(cancellationToken);
            var difference = await _marten.Value.Store.Storage.Database.ApplyAllConfiguredChangesToDatabaseAsync(AutoCreate.CreateOrUpdate, ct: cancellationToken);
            await _names.LearnAsync(cancellationToken);
            return difference != SchemaPatchDifference.None;
        },
        cancellationToken);

    public Task CheckAsync(CancellationToken cancellationToken) =>
        RunAsync(() => Task.WhenAll(_check.RunAsync(cancellationToken), OpenAppendingAsync(cancellationToken)), cancellationToken);

    /// <summary>Writes an event, and what else a command leaves, and undoes it.</summary>
    public Task CheckWritesAsync(CancellationToken cancellationToken)
    {
        var entity = new EntityId("cloudstate-check", $"{Guid.NewGuid():N}");
        var append = new EntityAppend(entity, new EventsChange(0, [new EntityDeleted()]))
        {
            Commands = [new CommandRecord($"{Guid.NewGuid():N}", "", Fingerprint: 0, StatusCode: 0, StatusDetail: "", ByteString.Empty, DateTimeOffset.UtcNow)],
            Outbox = [new OutboxEntry(Guid.NewGuid(), entity, SlotNumber: 0, "", ByteString.Empty)],
        };
        return RunAsync(
            async () =>
            {
                await _setBased.RehearseAsync([new StreamAppend(entity.ToString(), append)], cancellationToken);

                // What has failed may have left connections with half-prepared statements.
                _database.Clear();
                _appending.Clear();
                await OpenAppendingAsync(cancellationToken);
            },
            cancellationToken);
    }

    public Task<StoredEntity> LoadAsync(EntityId key, StoredAs storedAs, CommandIdWindow commandIds, CancellationToken cancellationToken) =>
        RunAsync(() => _loader.LoadAsync(key, storedAs, commandIds, cancellationToken), cancellationToken, WorkKind.Command);

    public Task<DateTimeOffset?> AppendAsync(IReadOnlyList<EntityAppend> batch, Guid? memberId, CancellationToken cancellationToken) => RunAsync(
        () =>
        {
            // Rows are written in the order of their keys, so that two batches cannot wait for each other.
            var appends = new StreamAppend[batch.Count];
            for (var i = 0; i < appends.Length; i++)
            {
                appends[i] = new(batch[i].Entity.ToString(), batch[i]);
            }

            Array.Sort(appends, static (left, right) => string.CompareOrdinal(left.Stream, right.Stream));
            return _append(appends, memberId, cancellationToken);
        },
        cancellationToken, WorkKind.Append);

    public Task<CommandRecord?> FindCommandAsync(EntityId key, string commandId, CancellationToken cancellationToken) =>
        RunAsync(() => _queries.FindCommandAsync(key.ToString(), commandId, cancellationToken), cancellationToken, WorkKind.Command);

    public Task<long> FindSequenceAsync(EntityId key, string stream, CancellationToken cancellationToken) =>
        RunAsync(() => _queries.FindSequenceAsync(key, stream, cancellationToken), cancellationToken, WorkKind.Command);

    public Task ForgetAsync(DateTimeOffset before, CancellationToken cancellationToken) =>
        RunAsync(() => _queries.ForgetAsync(before, cancellationToken), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _members.DisposeAsync();
        if (_marten.IsValueCreated)
        {
            await _marten.Value.Store.DisposeAsync();
            await _marten.Value.Database.DisposeAsync();
        }

        await _appending.DisposeAsync();
        await _database.DisposeAsync();
    }

    /// <summary>So that the first append finds a connection.</summary>
    private async Task OpenAppendingAsync(CancellationToken cancellationToken)
    {
        await using var connection = await _appending.OpenConnectionAsync(cancellationToken);
    }

    private static Task RunAsync(Func<Task> work, CancellationToken cancellationToken) => RunAsync(
        async () =>
        {
            await work();
            return true;
        },
        cancellationToken);

    private static Task<T> RunAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken, WorkKind kind = WorkKind.Service) =>
        MartenFailures.TranslateAsync(work, cancellationToken, kind);
}
