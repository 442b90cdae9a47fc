namespace CloudState.Knative.Storage;

/// <summary>The position of an event, which is stored with it.</summary>
/// <param name="SlotNumber">The slot of the entity.</param>
/// <param name="Position">The place of the event in the slot.</param>
/// <param name="Version">The place of the event among those of the entity.</param>
/// <param name="IsAdopted">Whether other code has stored the event, without a position.</param>
internal readonly record struct JournalEntry(int SlotNumber, long Position, long Version, bool IsAdopted = false);
