using CloudState.Knative.Ownership;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Benchmarks.Micro;

/// <summary>Stores nothing, at once.</summary>
internal sealed class IdleStore : IEntityStore
{
    private static readonly Task<StoredEntity> NewEntity = Task.FromResult(new StoredEntity(0, null, [], []));

    public int MaxConcurrentAppends => 1;

    public IMemberStore? Members => null;

    public Task MigrateAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public string SchemaScript() => "";

    public Task CheckAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<StoredEntity> LoadAsync(EntityKey key, EntityKind kind, CommandIdWindow commandIds, CancellationToken cancellationToken) => NewEntity;

    public Task AppendAsync(IReadOnlyList<EntityAppend> batch, Guid? memberId, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<CommandRecord?> FindCommandAsync(EntityKey key, string commandId, CancellationToken cancellationToken) => Task.FromResult<CommandRecord?>(null);

    public Task ForgetAsync(DateTimeOffset before, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<IReadOnlyList<OutboxEntry>> ReadOutboxAsync(IReadOnlyCollection<Slot> slots, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<OutboxEntry>>([]);

    public Task RemoveFromOutboxAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
