using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Testing;

/// <summary>What a store would have of one entity. Everything in it has been written as the stores write it, and read back the same.</summary>
internal sealed class TestStore(StoredTypes types)
{
    private readonly List<StoredForm> _events = [];
    private StoredForm? _state;
    private long _version;

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
        }
    }

    /// <summary>All that there is, as objects of its own.</summary>
    /// <exception cref="UnreadableEntityException">A written event is not of the entity.</exception>
    public StoredEntity Read() => new(
        _version,
        _state is { } state ? new StoredSnapshot(_version - _events.Count, state.Read(types)) : null,
        [.. _events.Select(stored => stored.Read(types))],
        RecentCommands: []);
}
