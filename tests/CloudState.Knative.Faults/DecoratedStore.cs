using CloudState.Knative.Storage;

namespace CloudState.Knative.Faults;

/// <summary>A store that does what another one does, unless something is overridden.</summary>
internal abstract class DecoratedStore(IEntityStore store) : IEntityStore
{
    public virtual IMemberStore? Members => store.Members;

    public int MaxConcurrentAppends => store.MaxConcurrentAppends;

    public IOutboxStore Outbox => store.Outbox;

    public ITimerStore Timers => store.Timers;

    public IJournalReader Journal => store.Journal;

    public IParkedStore Parked => store.Parked;

    public IReplicaStore? Replicas => store.Replicas;

    public Task<bool> MigrateAsync(CancellationToken cancellationToken) => store.MigrateAsync(cancellationToken);

    public string SchemaScript() => store.SchemaScript();

    public string GrantsScript(string role) => store.GrantsScript(role);

    public Task CheckWritesAsync(CancellationToken cancellationToken) => store.CheckWritesAsync(cancellationToken);

    public Task CheckAsync(CancellationToken cancellationToken) => store.CheckAsync(cancellationToken);

    public Task<StoredEntity> LoadAsync(EntityId key, StoredAs storedAs, CommandIdWindow commandIds, CancellationToken cancellationToken) =>
        store.LoadAsync(key, storedAs, commandIds, cancellationToken);

    public virtual Task<DateTimeOffset?> AppendAsync(IReadOnlyList<EntityAppend> batch, Guid? memberId, CancellationToken cancellationToken) =>
        store.AppendAsync(batch, memberId, cancellationToken);

    public Task<CommandRecord?> FindCommandAsync(EntityId key, string commandId, CancellationToken cancellationToken) => store.FindCommandAsync(key, commandId, cancellationToken);

    public Task<long> FindSequenceAsync(EntityId key, string stream, CancellationToken cancellationToken) => store.FindSequenceAsync(key, stream, cancellationToken);

    public Task ForgetAsync(DateTimeOffset before, CancellationToken cancellationToken) => store.ForgetAsync(before, cancellationToken);

    public ValueTask DisposeAsync() => store.DisposeAsync();
}
