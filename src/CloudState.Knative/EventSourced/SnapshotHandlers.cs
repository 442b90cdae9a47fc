namespace CloudState.Knative.EventSourced;

/// <summary>Converts entity state to and from its snapshot.</summary>
internal sealed record SnapshotHandlers(Func<Entity, object> Take, Action<Entity, object> Restore)
{
    /// <summary>The state is its own snapshot.</summary>
    public static SnapshotHandlers State { get; } = new(entity => entity.TakeSnapshot(), (entity, snapshot) => entity.RestoreSnapshot(snapshot));
}
