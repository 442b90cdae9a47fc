namespace CloudState.Knative.Lattices;

/// <summary>What a delta does to a content. Immutable.</summary>
internal abstract class Change
{
    public abstract Kind Kind { get; }

    /// <summary>This change and then the next one, which has the same stamp.</summary>
    public abstract Change Compose(Change next);
}
