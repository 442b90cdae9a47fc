using CloudState.Knative.Storage;

namespace CloudState.Knative.Benchmarks.Micro;

/// <summary>Stores nothing, at once.</summary>
internal sealed class IdleStore : IEntityStore
{
    private static readonly Task<StoredEntity> NewEntity = Task.FromResult(new StoredEntity(0, null, [], []));

    public int MaxConcurrentAppends => 1;

    public IMemberStore? Members => null;

    public IOutboxStore Outbox => throw new NotSupportedException();

    public ITimerStore Timers => throw new NotSupportedException();

    public IJournalReader Journal => throw new NotSupportedException();

    public IParkedStore Parked => throw new NotSupportedException();

    public IReplicaStore? Replicas => null;

    public Task<bool> MigrateAsync(CancellationToken cancellationToken) => Task.FromResult(false);

    public string SchemaScript() => "";

    public string GrantsScript(string role) => "";

    public Task CheckWritesAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task CheckAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<StoredEntity> LoadAsync(EntityId key, StoredAs storedAs, CommandIdWindow commandIds, CancellationToken cancellationToken) => NewEntity;

    public Task<DateTimeOffset?> AppendAsync(IReadOnlyList<EntityAppend> batch, Guid? memberId, CancellationToken cancellationToken) => Task.FromResult<DateTimeOffset?>(null);

    public Task<CommandRecord?> FindCommandAsync(EntityId key, string commandId, CancellationToken cancellationToken) => Task.FromResult<CommandRecord?>(null);

    public Task<long> FindSequenceAsync(EntityId key, string stream, CancellationToken cancellationToken) => Task.FromResult(0L);

    public Task ForgetAsync(DateTimeOffset before, CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
