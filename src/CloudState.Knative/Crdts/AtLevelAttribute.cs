namespace CloudState.Knative;

/// <summary>Sets the level of a CRDT entity, or of one of its rpcs.</summary>
/// <remarks>
/// Example: likes may be lost with a pod, the total of the year is read as it is stored.
/// <code>
/// [AtLevel(CrdtLevel.Local)]
/// public Total Like(Liked command)
/// </code>
/// </remarks>
/// <param name="level">What replies vouch for. Without an attribute: <see cref="CrdtOptions.Level"/>.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class AtLevelAttribute(CrdtLevel level) : Attribute
{
    /// <summary>What replies vouch for.</summary>
    public CrdtLevel Level { get; } = level;
}
