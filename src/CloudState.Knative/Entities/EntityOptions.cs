using CloudState.Knative.Settings;

namespace CloudState.Knative;

/// <summary>How entities of one type live in memory.</summary>
public sealed class EntityOptions
{
    /// <summary>For <see cref="SnapshotEvery"/>: no snapshots.</summary>
    public const int NoSnapshots = -1;

    /// <summary>Number of events between snapshots. The attribute of an entity comes first.</summary>
    /// <value>Any number. Default: 100. <see cref="NoSnapshots"/> or another negative number: no snapshots.</value>
    [Number(int.MinValue)]
    public int SnapshotEvery { get; set; } = 100;

    /// <summary>An entity that had no command for so long leaves memory.</summary>
    /// <value>From 10 milliseconds to 365 days. Default: 5 minutes.</value>
    [Duration(DurationAttribute.Tick, DurationAttribute.Year)]
    public TimeSpan PassivateAfter { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How many entities of one type stay in memory; beyond that the least recently used ones leave.</summary>
    /// <value>At least 1. Default: 100,000.</value>
    [Number(1)]
    public int MaxActive { get; set; } = 100_000;

    /// <summary>The largest state of an entity, in bytes of its message. A command that would make it larger is rejected with FAILED_PRECONDITION.</summary>
    /// <value>At least 1,024. Default: null, a 64th of the memory that the process may use, at most 16 MiB.</value>
    [Number(1024)]
    public int? MaxStateSize { get; set; }

    /// <summary>
    /// How many commands may wait for one entity, those included that wait for their events to be stored. More are answered with RESOURCE_EXHAUSTED.
    /// </summary>
    /// <value>At least 1. Default: 1,000.</value>
    [Number(1)]
    public int MailboxSize { get; set; } = 1_000;

    /// <summary>
    /// How long the state of a value entity lasts after its last update; then the entity is as new. Event sourced entities last for ever.
    /// </summary>
    /// <value>From 10 milliseconds to 365 days. Default: null, for ever.</value>
    [Duration(DurationAttribute.Tick, DurationAttribute.Year)]
    public TimeSpan? TimeToLive { get; set; }

    internal EntityOptions Copy() => (EntityOptions)MemberwiseClone();
}
