using Google.Protobuf;

namespace CloudState.Knative.Storage;

/// <summary>Deliveries that cannot be made until an operator has looked at them; and those that have to come after them.</summary>
internal interface IParkedStore
{
    /// <summary>Parks a delivery. Does nothing when it is parked already.</summary>
    Task ParkAsync(ParkedDelivery delivery, CancellationToken cancellationToken);

    /// <summary>Parks a delivery behind others of its entity and lane. Returns false, and does nothing, when there are none any more.</summary>
    Task<bool> TryParkBehindAsync(ParkedDelivery delivery, CancellationToken cancellationToken);

    /// <summary>Which entities of these slots have something parked, by lanes.</summary>
    Task<IReadOnlyList<(string Lane, EntityId Origin)>> ReadOriginsAsync(IReadOnlyCollection<Slot> slots, CancellationToken cancellationToken);

    /// <summary>The first ones of all that is parked, in order.</summary>
    Task<IReadOnlyList<ParkedDelivery>> ReadAsync(int maxCount, CancellationToken cancellationToken);

    /// <summary>The first one that is parked of an entity and a lane; null when there is none.</summary>
    Task<ParkedDelivery?> ReadFirstAsync(string lane, EntityId origin, CancellationToken cancellationToken);

    /// <summary>One of them; null when it is not parked.</summary>
    Task<ParkedDelivery?> FindAsync(string id, CancellationToken cancellationToken);

    /// <summary>Remembers another attempt in vain.</summary>
    Task UpdateAsync(string id, string error, int attempts, CancellationToken cancellationToken);

    /// <summary>Removes one; returns false when it is not parked.</summary>
    Task<bool> RemoveAsync(string id, CancellationToken cancellationToken);
}

/// <summary>A delivery that failed, or that waits for one that did.</summary>
/// <param name="Id">Tells it from all others.</param>
/// <param name="Lane">Deliveries of one entity and one lane are made in their order.</param>
/// <param name="Origin">The entity that it comes from.</param>
/// <param name="SlotNumber">The slot of that entity.</param>
/// <param name="Content">What is to be delivered, serialized.</param>
/// <param name="Error">Why it failed.</param>
/// <param name="Attempts">How often it was tried; 0 when it only waits for others.</param>
/// <param name="ParkedAt">When it was parked, with microsecond precision.</param>
internal sealed record ParkedDelivery(string Id, string Lane, EntityId Origin, int SlotNumber, ByteString Content, string Error, int Attempts, DateTimeOffset ParkedAt);
