using CloudState.Knative.Entities;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Runtime;

/// <summary>
/// One incarnation of an entity in memory, from its load to its discard. The state may run ahead of the store; if an append fails, the
/// whole incarnation is discarded and the next command starts another one from the store.
/// </summary>
/// <param name="instance">Its state.</param>
/// <param name="commandIds">The ids of its latest commands.</param>
/// <param name="maxCommandIds">How many command records to keep.</param>
internal sealed class LoadedEntity(EntityInstance instance, RecentCommandIds commandIds, int maxCommandIds)
{
    private volatile bool _isDiscarded;
    private Dictionary<string, StreamPosition>? _streams;
    private int _commandsSinceTrim;

    public EntityInstance Instance => instance;

    public RecentCommandIds CommandIds => commandIds;

    /// <summary>The number of the last change, stored or on its way to the store.</summary>
    public long Version => instance.Version;

    /// <summary>The versions of events that other code has stored, without positions: they get theirs with the next append.</summary>
    public IReadOnlyList<long> Adopted { get; set; } = [];

    /// <summary>Whether there is nothing of it that the store could not give back as quickly: it was never written, and is in no stream.</summary>
    public bool IsBlank => Version == 0 && _streams is null;

    public bool IsDiscarded => _isDiscarded;

    public void Discard() => _isDiscarded = true;

    /// <summary>How far the entity has come in a stream; null if that was not looked up.</summary>
    public StreamPosition? PositionIn(string stream) => _streams?.GetValueOrDefault(stream);

    public StreamPosition StartIn(string stream, long last)
    {
        var position = new StreamPosition { Last = last };
        (_streams ??= []).Add(stream, position);
        return position;
    }

    /// <summary>What a command stores: its change of the state, which may be nothing, and its record, if it has one.</summary>
    public EntityAppend Append(EntityId entity, StateChange change, CommandRecord? record)
    {
        var append = new EntityAppend(entity, change) { Adopted = Adopted };
        Adopted = [];
        if (record is null)
        {
            return append;
        }

        commandIds.Add(record.CommandId, record.HandledAt);
        int? keep = null;
        if (++_commandsSinceTrim >= Math.Max(maxCommandIds / 10, 1))
        {
            _commandsSinceTrim = 0;
            keep = maxCommandIds;
        }

        return append with { Commands = [record], KeepCommands = keep };
    }
}

/// <summary>How far an entity has come in a stream whose order is kept.</summary>
internal sealed class StreamPosition
{
    /// <summary>The highest number that was handled.</summary>
    public long Last { get; set; }

    /// <summary>Timestamp of the <see cref="TimeProvider"/> at which the current gap was first seen; null if there is no gap.</summary>
    public long? GapSince { get; set; }
}
