namespace CloudState.Knative.Storage;

/// <summary>
/// The events of the slots that this process owns, by their positions, and how far consumers have come. The events of a slot have one writer at a time, who numbers them as it
/// appends them; so there are no gaps, and no order among slots.
/// </summary>
/// <remarks>Every method throws <see cref="StoreUnavailableException"/> if the store cannot be reached, answers too late or lacks its schema.</remarks>
internal interface IJournalReader
{
    /// <summary>
    /// Returns the last position of each slot, after having numbered events that have no position yet: those that were stored before the type had a consumer, by a release that
    /// did not number, or by other code on the same database. To be called by the owner of the slots, before it appends to them.
    /// </summary>
    /// <param name="entityType">The type of the entities.</param>
    /// <param name="slots">The slots.</param>
    /// <param name="slotOf">The slot of a key.</param>
    /// <param name="memberId">The owner; null if the store has no members.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="FencedException">The member is gone.</exception>
    Task<IReadOnlyDictionary<int, long>> OpenAsync(
        string entityType, IReadOnlyCollection<int> slots, Func<string, int> slotOf, Guid? memberId, CancellationToken cancellationToken);

    /// <summary>
    /// Notes that all events up to these positions are numbered, so that the next <see cref="OpenAsync"/> need not look at them again. Does nothing if the member is gone.
    /// </summary>
    Task MarkNumberedAsync(string entityType, IReadOnlyDictionary<int, long> positions, Guid? memberId, CancellationToken cancellationToken);

    /// <summary>Reads on in several slots. The events of a slot come in order.</summary>
    /// <param name="entityType">The type of the entities.</param>
    /// <param name="after">The slots, each with the position after which to read.</param>
    /// <param name="maxCount">How many events of a slot to return.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<IReadOnlyList<JournalEvent>> ReadAsync(string entityType, IReadOnlyDictionary<int, long> after, int maxCount, CancellationToken cancellationToken);

    /// <summary>Up to which position a consumer is done with each of the slots; those that it has no checkpoint in are missing.</summary>
    Task<IReadOnlyDictionary<int, long>> ReadCheckpointsAsync(string consumer, string entityType, IReadOnlyCollection<int> slots, CancellationToken cancellationToken);

    /// <summary>The last positions in slots before a time; 0 if there is no event before it.</summary>
    Task<IReadOnlyDictionary<int, long>> FindPositionsAsync(string entityType, IReadOnlyCollection<int> slots, DateTimeOffset before, CancellationToken cancellationToken);

    /// <summary>Stores the checkpoints of a consumer, as far as they are later than the stored ones.</summary>
    Task SaveCheckpointsAsync(string consumer, string entityType, IReadOnlyDictionary<int, long> positions, CancellationToken cancellationToken);
}
