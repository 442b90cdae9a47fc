using System.ComponentModel.DataAnnotations;
using CloudState.Knative.Settings;

namespace CloudState.Knative;

/// <summary>How CRDT entities are stored, and how their replicas learn from each other.</summary>
public sealed class CrdtOptions
{
    /// <summary>What replies vouch for when neither the rpc nor the class says so with <see cref="AtLevelAttribute"/>.</summary>
    /// <value>Default: <see cref="CrdtLevel.Durable"/>.</value>
    [EnumDataType(typeof(CrdtLevel))]
    public CrdtLevel Level { get; set; } = CrdtLevel.Durable;

    /// <summary>How long changes at <see cref="CrdtLevel.Local"/> are collected before they are stored: what a killed pod may lose.</summary>
    /// <value>From 10 milliseconds to 1 minute. Default: 200 milliseconds.</value>
    [Duration(DurationAttribute.Tick, "00:01:00")]
    public TimeSpan FlushInterval { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// How often a pod asks the store for what it has missed; without effect on the embedded store, where there is one replica. Usually pods tell each other within milliseconds; this is the longest that a replica stays behind when that is lost.
    /// </summary>
    /// <value>From 10 milliseconds to 12 hours. Default: 5 seconds.</value>
    [Duration(DurationAttribute.Tick, DurationAttribute.HalfADay)]
    public TimeSpan SyncInterval { get; set; } = TimeSpan.FromSeconds(5);
}
