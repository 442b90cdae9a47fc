namespace CloudState.Knative.Storage;

/// <summary>What successive commands change of the stored state of one entity, from one version to another. The objects in it are shared with no other code.</summary>
/// <param name="ExpectedVersion">The version of the entity before the change; 0 for a new entity. Checked even if nothing changes.</param>
/// <param name="NewVersion">The version after it.</param>
internal abstract record StateChange(long ExpectedVersion, long NewVersion)
{
    /// <summary>One change in the place of this one and those that follow it.</summary>
    public abstract StateChange FollowedBy(IEnumerable<StateChange> later);
}

/// <summary>New events of an entity that is stored as its events.</summary>
/// <param name="ExpectedVersion">The version before the first of the events.</param>
/// <param name="Events">The events in order. An <see cref="EntityDeleted"/> archives those before it and removes the snapshot.</param>
internal sealed record EventsChange(long ExpectedVersion, IReadOnlyList<object> Events) : StateChange(ExpectedVersion, ExpectedVersion + Events.Count)
{
    /// <summary>The state after one of the events; null leaves the stored snapshot alone.</summary>
    public StoredSnapshot? Snapshot { get; init; }

    public override StateChange FollowedBy(IEnumerable<StateChange> later)
    {
        EventsChange[] all = [this, .. later.Cast<EventsChange>()];
        var merged = new EventsChange(ExpectedVersion, [.. all.SelectMany(change => change.Events)])
        {
            Snapshot = all.LastOrDefault(change => change.Snapshot is not null)?.Snapshot,
        };
        return merged.Snapshot?.Version < merged.DeletionVersion() ? merged with { Snapshot = null } : merged;
    }

    /// <summary>The version of the last deletion among the events; 0 without one.</summary>
    public long DeletionVersion()
    {
        for (var index = Events.Count - 1; index >= 0; index--)
        {
            if (Events[index] is EntityDeleted)
            {
                return ExpectedVersion + index + 1;
            }
        }

        return 0;
    }
}

/// <summary>The new value of an entity that is stored as its latest value.</summary>
/// <param name="ExpectedVersion">The version before the change.</param>
/// <param name="Value">The new value; null leaves the stored one alone.</param>
internal sealed record ValueChange(long ExpectedVersion, StoredValue? Value) : StateChange(ExpectedVersion, Value?.Version ?? ExpectedVersion)
{
    public override StateChange FollowedBy(IEnumerable<StateChange> later) =>
        new ValueChange(ExpectedVersion, later.Cast<ValueChange>().LastOrDefault(change => change.Value is not null)?.Value ?? Value);
}

/// <summary>A value.</summary>
/// <param name="Version">The version of the entity with this value.</param>
/// <param name="State">The value; null if the entity was deleted.</param>
/// <param name="ExpiresAt">When the value expires; null: never. For a deleted entity: when it was deleted.</param>
internal sealed record StoredValue(long Version, object? State, DateTimeOffset? ExpiresAt);
