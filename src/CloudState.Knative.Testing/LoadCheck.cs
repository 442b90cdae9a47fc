using System.Text.Json;
using CloudState.Knative.EventSourced;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Testing;

/// <summary>
/// Checks that a state in memory is what a load would give. It is not when a command handler changes it without an event, when <c>Apply</c> depends on more than the
/// event and the state, or when a snapshot lacks something.
/// </summary>
internal sealed class LoadCheck<TState>(EntityUnderTest entity)
    where TState : class, new()
{
    private static readonly JsonSerializerOptions ForPeople = new() { IncludeFields = true };

    private readonly EventSourcedModel _model = (EventSourcedModel)entity.Definition.Model;

    /// <summary>The load from all that is stored.</summary>
    public void CheckEvents(string handlerName, Entity inMemory, TestStore store)
    {
        var expected = Take(inMemory);
        if (_model.StoresSnapshots)
        {
            StoredForm.Of("snapshot", expected, entity.Types);
        }

        var actual = Take(entity.LoadEntity(store.Read));
        if (!AreSame(expected, actual))
        {
            throw new TestKitException(
                $"""
                {handlerName} leaves another state in memory than its events give when the entity is loaded.
                  In memory: {Text(expected)}
                  Loaded:    {Text(actual)}
                Change the state in Apply methods only, and let them depend on nothing but the event and the state.
                """);
        }
    }

    /// <summary>The load from a snapshot taken before the command, and the events of the command.</summary>
    public void CheckSnapshot(string handlerName, Entity inMemory, StoredEntity before, IReadOnlyList<object> newEvents)
    {
        if (!_model.StoresSnapshots || before is { Snapshot: null, Events: [] })
        {
            return;
        }

        var snapshot = RoundTrip("snapshot", Take(entity.LoadEntity(() => before)));
        var stored = new StoredEntity(
            before.Version + newEvents.Count, new StoredSnapshot(before.Version, snapshot), [.. newEvents.Select(newEvent => RoundTrip("event", newEvent))], RecentCommands: []);
        var snapshotText = Text(snapshot);
        var actual = Take(entity.LoadEntity(() => stored));
        var expected = Take(inMemory);
        if (!AreSame(expected, actual))
        {
            throw new TestKitException(
                $"""
                {handlerName} leaves another state in memory than a snapshot and the events after it give.
                  Snapshot before the command: {snapshotText}
                  In memory after it: {Text(expected)}
                  Loaded:             {Text(actual)}
                Let the snapshot have all that Apply methods look at.
                """);
        }
    }

    private object RoundTrip(string what, object value) => StoredForm.Of(what, value, entity.Types).Read(entity.Types);

    private object Take(Entity instance) => _model.Snapshots?.Take(instance) ?? ((EventSourcedEntity<TState>)instance).CurrentState;

    private bool AreSame(object expected, object actual) => _model.Snapshots is not null
        ? StoredForm.AreSame(entity.Types.Of(expected), expected, actual)
        : expected.Equals(actual) || Text(expected) == Text(actual);

    /// <summary>What can be seen of a state that is never stored is compared; nothing when it cannot be written.</summary>
    private string Text(object state)
    {
        if (_model.Snapshots is not null)
        {
            return entity.Types.ToJsonText(state);
        }

        try
        {
            return JsonSerializer.Serialize(state, ForPeople);
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or NotSupportedException)
        {
            return state.ToString() ?? "";
        }
    }
}
