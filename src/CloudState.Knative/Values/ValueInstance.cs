using CloudState.Knative.Entities;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Values;

/// <summary>One incarnation of a value entity.</summary>
internal sealed class ValueInstance(Entity entity, StoredEntity stored, TimeSpan? timeToLive, StoredTypes types) : ClassInstance(entity, stored.Version, types)
{
    private DateTimeOffset? _expiresAt = stored.Snapshot?.ExpiresAt;
    private object? _newValue;

    public override void Begin(CommandContext command, DateTimeOffset now)
    {
        if (_expiresAt <= now)
        {
            _expiresAt = null;
            Entity.Reset();
        }

        base.Begin(command, now);
    }

    public override void RequireEvent(Type eventType) =>
        throw new InvalidOperationException($"{Entity.GetType().Name} is a value entity and has no events. Call Update with its new state.");

    public override void Emit(object stored, object applied) => RequireEvent(stored.GetType());

    public override void Delete()
    {
        _newValue = null;
        Version++;
        StateSize = 0;
        Entity.Reset();
    }

    public void Update(object value)
    {
        _newValue = value;
        Version++;
        StateSize = SizeOf(value);
    }

    protected override StateChange TakeChange(long expectedVersion, DateTimeOffset now)
    {
        var value = _newValue;
        _newValue = null;
        _expiresAt = value is null ? null : now + timeToLive;
        return new ValueChange(expectedVersion, new StoredValue(Version, value, value is null ? now : _expiresAt));
    }

    protected override StateChange NoChange(long version) => new ValueChange(version, Value: null);
}
