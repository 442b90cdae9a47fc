using CloudState.Knative.Storage;
using Google.Protobuf;

namespace CloudState.Knative.UnitTests.Runtime;

/// <summary>A store in memory whose appends can be held and made to fail.</summary>
internal sealed class ScriptedStore : IEntityStore
{
    private readonly Lock _lock = new();
    private readonly Dictionary<EntityId, List<object>> _streams = [];
    private readonly Dictionary<EntityId, StoredSnapshot> _snapshots = [];
    private readonly Dictionary<EntityId, StoredValue> _values = [];
    private readonly Dictionary<(EntityId, string), CommandRecord> _commands = [];
    private TaskCompletionSource _gate = Opened();

    public int MaxConcurrentAppends => 1;

    public IMemberStore? Members => null;

    public IOutboxStore Outbox => throw new NotSupportedException();

    public ITimerStore Timers => throw new NotSupportedException();

    public IJournalReader Journal => throw new NotSupportedException();

    public IParkedStore Parked => throw new NotSupportedException();

    public IReplicaStore? Replicas => null;

    public List<EntityAppend[]> Batches { get; } = [];

    public int Loads { get; private set; }

    /// <summary>Called before a batch is written; throws to refuse it.</summary>
    public Action<IReadOnlyList<EntityAppend>> BeforeAppend { get; set; } = _ => { };

    public Exception? LoadFailure { get; set; }

    public TaskCompletionSource AppendArrived { get; private set; } = New();

    public void HoldAppends()
    {
        _gate = New();
        AppendArrived = New();
    }

    public void ReleaseAppends() => _gate.TrySetResult();

    /// <summary>Writes as another process would.</summary>
    public void WriteBehindTheBack(EntityId key, IMessage @event)
    {
        lock (_lock)
        {
            Stream(key).Add(@event);
        }
    }

    /// <inheritdoc cref="WriteBehindTheBack"/>
    public void WriteValueBehindTheBack(EntityId key, IMessage value)
    {
        lock (_lock)
        {
            _values[key] = new StoredValue(VersionOf(key, StoredAs.Value) + 1, value, null);
        }
    }

    public IReadOnlyList<object> EventsOf(EntityId key)
    {
        lock (_lock)
        {
            return [.. Stream(key)];
        }
    }

    public Task<bool> MigrateAsync(CancellationToken cancellationToken) => Task.FromResult(false);

    public string SchemaScript() => "";

    public string GrantsScript(string role) => "";

    public Task CheckWritesAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task CheckAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task<StoredEntity> LoadAsync(EntityId key, StoredAs storedAs, CommandIdWindow commandIds, CancellationToken cancellationToken)
    {
        await Task.Yield();
        lock (_lock)
        {
            Loads++;
            if (LoadFailure is not null)
            {
                throw LoadFailure;
            }

            var snapshot = storedAs == StoredAs.Value && _values.GetValueOrDefault(key) is { State: { } state } value
                ? new StoredSnapshot(value.Version, state, value.ExpiresAt)
                : _snapshots.GetValueOrDefault(key);
            return new StoredEntity(
                VersionOf(key, storedAs),
                snapshot,
                [.. Stream(key).Skip((int)(snapshot?.Version ?? 0))],
                [.. _commands.Where(pair => pair.Key.Item1 == key).Select(pair => new RecentCommand(pair.Value.CommandId, pair.Value.HandledAt))]);
        }
    }

    public async Task<DateTimeOffset?> AppendAsync(IReadOnlyList<EntityAppend> batch, Guid? memberId, CancellationToken cancellationToken)
    {
        AppendArrived.TrySetResult();
        await _gate.Task;
        lock (_lock)
        {
            Batches.Add([.. batch]);
            BeforeAppend(batch);
            if (batch.FirstOrDefault(append => VersionOf(append.Entity, append.State is ValueChange ? StoredAs.Value : StoredAs.Events) != append.State.ExpectedVersion) is { } conflicting)
            {
                throw new VersionConflictException($"{conflicting.Entity} is not at version {conflicting.State.ExpectedVersion}.");
            }

            if (batch.SelectMany(append => append.Commands, (append, record) => (append.Entity, record.CommandId)).FirstOrDefault(_commands.ContainsKey) is { CommandId: not null } used)
            {
                throw new VersionConflictException($"The command id '{used.CommandId}' is stored already.");
            }

            foreach (var append in batch)
            {
                Write(append.Entity, append.State);

                foreach (var record in append.Commands)
                {
                    _commands.Add((append.Entity, record.CommandId), record);
                }
            }
        }

        return null;
    }

    public Task<CommandRecord?> FindCommandAsync(EntityId key, string commandId, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return Task.FromResult(_commands.GetValueOrDefault((key, commandId)));
        }
    }

    public Task<long> FindSequenceAsync(EntityId key, string stream, CancellationToken cancellationToken) => Task.FromResult(0L);

    public Task ForgetAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            foreach (var (key, _) in _commands.Where(pair => pair.Value.HandledAt < before))
            {
                _commands.Remove(key);
            }
        }

        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void Write(EntityId entity, StateChange change)
    {
        switch (change)
        {
            case EventsChange events:
                Stream(entity).AddRange(events.Events);
                if (events.DeletionVersion() > 0)
                {
                    _snapshots.Remove(entity);
                }

                if (events.Snapshot is not null)
                {
                    _snapshots[entity] = events.Snapshot;
                }

                break;
            case ValueChange { Value: { } value }:
                _values[entity] = value;
                break;
        }
    }

    private long VersionOf(EntityId key, StoredAs storedAs) => storedAs == StoredAs.Value ? _values.GetValueOrDefault(key)?.Version ?? 0 : Stream(key).Count;

    private List<object> Stream(EntityId key)
    {
        if (!_streams.TryGetValue(key, out var stream))
        {
            _streams.Add(key, stream = []);
        }

        return stream;
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static TaskCompletionSource Opened()
    {
        var opened = New();
        opened.SetResult();
        return opened;
    }
}
