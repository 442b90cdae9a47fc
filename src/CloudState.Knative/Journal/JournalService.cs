using CloudState.Knative.Cluster;
using CloudState.Knative.Entities;
using CloudState.Knative.Outbox;
using CloudState.Knative.Storage;
using Microsoft.Extensions.Hosting;

namespace CloudState.Knative.Journal;

/// <summary>Reads the journal of event sourced entities for all subscriptions, for as long as the service runs. Changes of values go through the outbox.</summary>
internal sealed class JournalService(
    JournalSubscriptions subscriptions, EntityDefinitions entities, JournalSignals signals, IEntityStore store, Deliveries deliveries, OwnedOutbox outbox, ClusterState ring, StoreHealth health,
    EventingOptions options, TimeProvider time) : BackgroundService
{
    private readonly JournalReader[] _readers =
        [.. subscriptions.All.Where(subscription => entities.All.First(entity => entity.EntityType == subscription.EntityType).Kind == EntityKind.EventSourced)
            .Select(subscription => new JournalReader(subscription, store.Journal, deliveries, outbox, ring, signals.Of(subscription.EntityType)!, health, options, time))];

    /// <summary>Whether all events that this process has stored were handed out for delivery.</summary>
    public bool HasReadAll => _readers.All(reader => reader.HasReadAll);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Task.WhenAll(_readers.Select(reader => reader.SaveAsync()));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        await Task.WhenAll(_readers.Select(reader => reader.RunAsync(stoppingToken)));
    }
}
