using System.Diagnostics;

namespace CloudState.Knative.Storage;

/// <summary>One event of one entity.</summary>
internal sealed class JournalEvent
{
    private readonly Func<object, byte[]>? _write;
    private ReadOnlyMemory<byte>? _json;

    /// <summary>An event as the store has it.</summary>
    public JournalEvent(long position, int slotNumber, EntityId origin, long sequence, string typeName, ReadOnlyMemory<byte> json, DateTimeOffset time)
        : this(position, slotNumber, origin, sequence, typeName, time) => _json = json;

    /// <summary>An event that this process has just stored.</summary>
    /// <param name="position">See <see cref="Position"/>.</param>
    /// <param name="slotNumber">See <see cref="SlotNumber"/>.</param>
    /// <param name="origin">See <see cref="Origin"/>.</param>
    /// <param name="sequence">See <see cref="Sequence"/>.</param>
    /// <param name="typeName">See <see cref="TypeName"/>.</param>
    /// <param name="inMemory">The event, which nothing changes.</param>
    /// <param name="write">Writes it as JSON.</param>
    /// <param name="time">See <see cref="Time"/>.</param>
    public JournalEvent(long position, int slotNumber, EntityId origin, long sequence, string typeName, object inMemory, Func<object, byte[]> write, DateTimeOffset time)
        : this(position, slotNumber, origin, sequence, typeName, time) => (InMemory, _write) = (inMemory, write);

    private JournalEvent(long position, int slotNumber, EntityId origin, long sequence, string typeName, DateTimeOffset time) =>
        (Position, SlotNumber, Origin, Sequence, TypeName, Time) = (position, slotNumber, origin, sequence, typeName, time);

    /// <summary>Its place among the events of its slot; the first one is 1.</summary>
    public long Position { get; }

    public int SlotNumber { get; }

    /// <summary>The entity.</summary>
    public EntityId Origin { get; }

    /// <summary>Its place among the events of the entity; the first one is 1.</summary>
    public long Sequence { get; }

    /// <summary>The name of its type in the store.</summary>
    public string TypeName { get; }

    /// <summary>When it was stored.</summary>
    public DateTimeOffset Time { get; }

    /// <summary>The event as an object, shared by all consumers, which must not change it; null if it was read from the store.</summary>
    public object? InMemory { get; }

    /// <summary>The event as stored types read it.</summary>
    public ReadOnlyMemory<byte> Json => _json ??= _write!(InMemory!);

    /// <summary>The trace that led to it; none if another process has stored it.</summary>
    public ActivityContext Trace { get; init; }
}
