using CloudState.Knative.Ownership;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Sqlite;

/// <summary>The embedded store: entities in one SQLite file, for one process.</summary>
internal sealed class SqliteEntityStore(SqliteStoreOptions options, StoredTypes types, TimeProvider time) : IEntityStore
{
    private readonly SqliteDatabase _database = new(options);

    public int MaxConcurrentAppends => 1;

    /// <summary>None: the lock on the file admits one process, so that an append needs no member either.</summary>
    public IMemberStore? Members => null;

    public Task MigrateAsync(CancellationToken cancellationToken) => _database.MigrateAsync(cancellationToken);

    public string SchemaScript() => SqliteSchema.Script;

    public Task CheckAsync(CancellationToken cancellationToken) =>
        _database.ReadAsync(SqliteSchema.Check, cancellationToken);

    public Task<StoredEntity> LoadAsync(EntityKey key, EntityKind kind, CommandIdWindow commandIds, CancellationToken cancellationToken) =>
        _database.ReadAsync(session => SqliteQueries.Load(session, key, kind, commandIds, types), cancellationToken);

    public Task AppendAsync(IReadOnlyList<EntityAppend> batch, Guid? memberId, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => SqliteAppend.Run(session, batch, types, time.GetUtcNow()), cancellationToken);

    public Task<CommandRecord?> FindCommandAsync(EntityKey key, string commandId, CancellationToken cancellationToken) =>
        _database.ReadAsync(session => SqliteQueries.FindCommand(session, key, commandId), cancellationToken);

    public Task ForgetAsync(DateTimeOffset before, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => SqliteQueries.Forget(session, before), cancellationToken);

    public Task<IReadOnlyList<OutboxEntry>> ReadOutboxAsync(IReadOnlyCollection<Slot> slots, CancellationToken cancellationToken) =>
        _database.ReadAsync<IReadOnlyList<OutboxEntry>>(session => [.. SqliteQueries.ReadOutbox(session).Where(entry => slots.Contains(entry.Slot))], cancellationToken);

    public Task RemoveFromOutboxAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => SqliteQueries.RemoveFromOutbox(session, ids), cancellationToken);

    public ValueTask DisposeAsync() => _database.DisposeAsync();
}
