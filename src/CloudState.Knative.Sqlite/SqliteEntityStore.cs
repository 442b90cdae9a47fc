using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Sqlite;

/// <summary>The embedded store: entities in one SQLite file, for one process.</summary>
internal sealed class SqliteEntityStore : IEntityStore
{
    private readonly StoredTypes _types;
    private readonly TimeProvider _time;
    private readonly SqliteDatabase _database;

    public SqliteEntityStore(SqliteStoreOptions options, StoredTypes types, TimeProvider time)
    {
        (_types, _time) = (types, time);
        _database = new SqliteDatabase(options);
        Outbox = new SqliteOutboxStore(_database);
        Timers = new SqliteTimerStore(_database);
        Journal = new SqliteJournalReader(_database);
        Parked = new SqliteParkedStore(_database);
    }

    public int MaxConcurrentAppends => 1;

    /// <summary>None: the lock on the file admits one process, so that an append needs no member either.</summary>
    public IMemberStore? Members => null;

    public IOutboxStore Outbox { get; }

    public ITimerStore Timers { get; }

    public IJournalReader Journal { get; }

    public IParkedStore Parked { get; }

    /// <summary>None: one process has all that is added.</summary>
    public IReplicaStore? Replicas => null;

    public async Task<bool> MigrateAsync(CancellationToken cancellationToken)
    {
        var hasChanged = await _database.MigrateAsync(cancellationToken);
        await LearnNamesAsync(cancellationToken);
        return hasChanged;
    }

    public string SchemaScript() => SqliteSchema.Script;

    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        await _database.ReadAsync(SqliteSchema.Check, cancellationToken);
        await _database.CheckFilesAsync(cancellationToken);
        await LearnNamesAsync(cancellationToken);
    }

    public string GrantsScript(string role) => throw new InvalidOperationException("The embedded store is a file: it has no roles. Set ConnectionStrings__CloudState for the statements of PostgreSQL.");

    public Task CheckWritesAsync(CancellationToken cancellationToken) => _database.WriteAsync(SqliteSchema.Touch, cancellationToken);

    public Task<StoredEntity> LoadAsync(EntityId key, StoredAs storedAs, CommandIdWindow commandIds, CancellationToken cancellationToken) =>
        _database.ReadAsync(session => SqliteQueries.Load(session, key, storedAs, commandIds, _types), cancellationToken);

    public async Task<DateTimeOffset?> AppendAsync(IReadOnlyList<EntityAppend> batch, Guid? memberId, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow().ToMicroseconds();
        await _database.WriteAsync(session => SqliteAppend.Run(session, batch, _types, now), cancellationToken);
        return now;
    }

    public Task<CommandRecord?> FindCommandAsync(EntityId key, string commandId, CancellationToken cancellationToken) =>
        _database.ReadAsync(session => SqliteQueries.FindCommand(session, key, commandId), cancellationToken);

    public Task<long> FindSequenceAsync(EntityId key, string stream, CancellationToken cancellationToken) => _database.ReadAsync(
        session => session.Scalar("SELECT sequence FROM orders WHERE entity_type = $1 AND entity_id = $2 AND stream = $3", key.Type, key.Key, stream) as long? ?? 0, cancellationToken);

    public Task ForgetAsync(DateTimeOffset before, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => SqliteQueries.Forget(session, before, _time.GetUtcNow()), cancellationToken);

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    private async Task LearnNamesAsync(CancellationToken cancellationToken)
    {
        var recorded = await _database.ReadAsync(session => session.Scalar("SELECT content FROM names") as string, cancellationToken);
        if (_types.Shapes.Learn(recorded) is { } record)
        {
            await _database.WriteAsync(session => session.Execute("INSERT OR REPLACE INTO names (id, content) VALUES (1, $1)", record.ToJson()), cancellationToken);
        }
    }
}
