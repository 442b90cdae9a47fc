namespace CloudState.Knative;

/// <summary>How entities of one type live in memory.</summary>
public sealed class EntityOptions
{
    /// <summary>A snapshot is stored once so many events follow the last one.</summary>
    /// <value>Default: 100. A negative number stores none. An entity's attribute comes first.</value>
    public int SnapshotEvery { get; set; } = 100;

    /// <summary>An entity that had no command for so long leaves memory.</summary>
    /// <value>Default: 5 minutes.</value>
    public TimeSpan PassivateAfter { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How many entities of one type stay in memory; beyond that the least recently used ones leave.</summary>
    /// <value>Default: 100,000.</value>
    public int MaxActive { get; set; } = 100_000;

    /// <summary>How many commands may wait for one entity, those included that wait for their events to be stored. More are answered with RESOURCE_EXHAUSTED.</summary>
    /// <value>Default: 1,000.</value>
    public int MailboxSize { get; set; } = 1_000;

    /// <summary>How long the state of a value entity lasts after its last update; then the entity is as new. Event sourced entities last for ever.</summary>
    /// <value>Default: null, for ever.</value>
    public TimeSpan? TimeToLive { get; set; }

    internal EntityOptions Copy() => (EntityOptions)MemberwiseClone();
}
