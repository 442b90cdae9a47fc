namespace CloudState.Knative.Storage;

/// <summary>What other processes have added to replicated values. They announce it to each other; the store has what was lost on the way.</summary>
/// <remarks>Every method throws <see cref="StoreUnavailableException"/> if the store cannot be reached, answers too late or lacks its schema.</remarks>
internal interface IReplicaStore
{
    /// <summary>What was stored lately: of each value and seat the latest delta, also if it was folded into the value.</summary>
    /// <param name="entityType">The type of the entities.</param>
    /// <param name="within">How far to look back, on the store's clock.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<IReadOnlyList<ReplicaNews>> FindNewsAsync(string entityType, TimeSpan within, CancellationToken cancellationToken);

    /// <summary>Reads values, in the order of the keys.</summary>
    Task<IReadOnlyList<StoredReplica>> ReadAsync(string entityType, IReadOnlyList<string> keys, CancellationToken cancellationToken);
}

/// <summary>How far a value has come.</summary>
/// <param name="Key">Of the entity.</param>
/// <param name="Epoch">How often the value was deleted.</param>
/// <param name="Seat">Which replica has added to it; 0 if nothing was added since it was deleted.</param>
/// <param name="Number">Of its latest delta.</param>
internal sealed record ReplicaNews(string Key, long Epoch, int Seat, long Number);
