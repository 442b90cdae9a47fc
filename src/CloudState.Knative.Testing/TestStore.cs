using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Testing;

/// <summary>What a store would have of one entity. Everything in it has been written as the stores write it, and read back the same.</summary>
internal sealed class TestStore(StoredTypes types)
{
    private readonly List<StoredForm> _events = [];
    private StoredForm? _state;
    private long _version;
    private StoredReplica _replica = new(Epoch: 0, State: null, []);

    /// <summary>Adds an event; what precedes a deletion is never read again.</summary>
    public void Add(object @event)
    {
        var stored = StoredForm.Of("event", @event, types);
        _version++;
        if (@event is EntityDeleted)
        {
            _state = null;
            _events.Clear();
        }

        _events.Add(stored);
    }

    /// <summary>Puts a snapshot or a value in place of all that was there; null removes that.</summary>
    public void Put(string what, object? state)
    {
        _state = state is null ? null : StoredForm.Of(what, state, types);
        _version++;
        _events.Clear();
    }

    /// <summary>Puts a replicated value in place of what was there.</summary>
    public void Put(byte[] replica) => _replica = new StoredReplica(_replica.Epoch, replica, []);

    /// <summary>Adds an event as a former version of the service has written it.</summary>
    public void AddWritten(string typeName, string json)
    {
        _events.Add(new StoredForm(typeName, json));
        _version++;
    }

    public void Append(StateChange change)
    {
        switch (change)
        {
            case EventsChange events:
                foreach (var newEvent in events.Events)
                {
                    Add(newEvent);
                }

                break;
            case ValueChange { Value: { } value }:
                Put("state", value.State);
                break;
            case ReplicaChange replica:
                _replica = replica.Deletions > 0 ? new StoredReplica(replica.Epoch, State: null, []) : _replica;
                _replica = _replica with { Deltas = [.. _replica.Deltas, .. replica.Deltas.Select(delta => delta.Bytes)] };
                break;
        }
    }

    /// <summary>All that there is, as objects of its own.</summary>
    /// <exception cref="UnreadableEntityException">A written event is not of the entity.</exception>
    public StoredEntity Read() => new(
        _version,
        _state is { } state ? new StoredSnapshot(_version - _events.Count, state.Read(types)) : null,
        [.. _events.Select(stored => stored.Read(types))],
        RecentCommands: [])
    { Replica = _replica };
}
