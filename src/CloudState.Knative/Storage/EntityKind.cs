namespace CloudState.Knative.Storage;

/// <summary>What the store keeps of an entity.</summary>
internal enum EntityKind
{
    /// <summary>Its events, and now and then a snapshot of what they add up to.</summary>
    EventSourced,

    /// <summary>Its latest value.</summary>
    Value,
}
