using CloudState.Knative.Delivery;
using CloudState.Knative.Outbox;
using CloudState.Knative.Storage;
using Grpc.Core;

namespace CloudState.Knative.Management;

/// <summary>
/// The deliveries that are parked, for operators to retry or discard. Any pod will do. Once the first one of an entity and a lane is out of the way, those
/// that wait behind it are delivered, in their order.
/// </summary>
internal sealed class ParkedDeliveries(IEntityStore store, Deliverer deliverer)
{
    /// <summary>The first ones, in order.</summary>
    public async Task<IReadOnlyList<ParkedReport>> ListAsync(int maxCount, CancellationToken cancelled) =>
        [.. (await store.Parked.ReadAsync(maxCount, cancelled)).Select(ToReport)];

    /// <summary>Null if no such delivery is parked.</summary>
    public async Task<ParkedOutcome?> RetryAsync(string id, CancellationToken cancelled)
    {
        if (await store.Parked.FindAsync(id, cancelled) is not { } parked)
        {
            return null;
        }

        if (parked.Attempts > 0)
        {
            return await DeliverAsync(parked, cancelled);
        }

        var first = await store.Parked.ReadFirstAsync(parked.Lane, parked.Origin, cancelled);
        return new ParkedOutcome(0, $"It waits for others. Retry or discard the first one: {first?.Id}") { IsBlocked = true };
    }

    /// <summary>Null if no such delivery is parked.</summary>
    public async Task<ParkedOutcome?> DiscardAsync(string id, CancellationToken cancelled)
    {
        if (await store.Parked.FindAsync(id, cancelled) is not { } parked)
        {
            return null;
        }

        await store.Parked.RemoveAsync(parked.Id, cancelled);
        var next = parked.Attempts == 0 ? null : await NextBehindAsync(parked, cancelled);
        return next is null ? new ParkedOutcome(0, null) : await DeliverAsync(next, cancelled);
    }

    /// <summary>Delivers one and those that wait behind it, until one fails.</summary>
    private async Task<ParkedOutcome> DeliverAsync(ParkedDelivery parked, CancellationToken cancelled)
    {
        var delivered = 0;
        for (var next = parked; next is not null; delivered++)
        {
            if (await TryDeliverAsync(next, cancelled) is { StatusCode: not StatusCode.OK } failure)
            {
                var error = $"{failure.StatusCode}: {failure.Detail}";
                await store.Parked.UpdateAsync(next.Id, error, next.Attempts + 1, cancelled);
                return new ParkedOutcome(delivered, $"{next.Id} failed. {error}");
            }

            await store.Parked.RemoveAsync(next.Id, cancelled);
            next = await NextBehindAsync(next, cancelled);
        }

        return new ParkedOutcome(delivered, null);
    }

    private async Task<Status> TryDeliverAsync(ParkedDelivery parked, CancellationToken cancelled)
    {
        try
        {
            return (await deliverer.DeliverAsync(StoredDelivery.Parser.ParseFrom(parked.Content), cancelled)).Status;
        }
        catch (Exception unexpected) when (unexpected is not OperationCanceledException)
        {
            return new Status(StatusCode.Internal, unexpected.Message);
        }
    }

    private async Task<ParkedDelivery?> NextBehindAsync(ParkedDelivery parked, CancellationToken cancelled) =>
        await store.Parked.ReadFirstAsync(parked.Lane, parked.Origin, cancelled) is { Attempts: 0 } next ? next : null;

    private ParkedReport ToReport(ParkedDelivery parked) => new(
        parked.Id, parked.Lane, parked.Origin.Type, parked.Origin.Key, deliverer.TargetOf(StoredDelivery.Parser.ParseFrom(parked.Content)), parked.Error, parked.Attempts, parked.ParkedAt);
}

/// <summary>One delivery that is parked.</summary>
internal sealed record ParkedReport(string Id, string Lane, string EntityType, string EntityId, string Target, string Error, int Attempts, DateTimeOffset ParkedAt);

/// <summary>What became of a retry or a discard.</summary>
/// <param name="Delivered">How many deliveries were made.</param>
/// <param name="Failure">Why it was not done, or ended before all that waited were delivered; null if nothing failed.</param>
internal sealed record ParkedOutcome(int Delivered, string? Failure)
{
    /// <summary>Whether another delivery has to be retried or discarded first.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsBlocked { get; init; }
}
