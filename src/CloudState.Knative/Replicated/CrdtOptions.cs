using CloudState.Knative.Settings;

namespace CloudState.Knative;

/// <summary>How the replicas of CRDT entities learn from each other. Without effect on the embedded store, where there is one.</summary>
public sealed class CrdtOptions
{
    /// <summary>
    /// How often a pod asks the store for what it has missed. Usually pods tell each other within milliseconds; this is the longest that a replica stays behind when that is lost.
    /// </summary>
    /// <value>From 10 milliseconds to 12 hours. Default: 5 seconds.</value>
    [Duration(DurationAttribute.Tick, DurationAttribute.HalfADay)]
    public TimeSpan SyncInterval { get; set; } = TimeSpan.FromSeconds(5);
}
