using CloudState.Knative.Cluster;
using CloudState.Knative.Outbox;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Microsoft.Extensions.Hosting;

namespace CloudState.Knative.Journal;

/// <summary>Runs the readers of all consumers, and notes in the store how far the slots are numbered. Changes of values have no journal; they go through the outbox.</summary>
internal sealed class JournalService : BackgroundService
{
    private static readonly TimeSpan MarkInterval = TimeSpan.FromSeconds(10);
    private readonly JournalReader[] _readers;
    private readonly TypeJournal[] _journals;
    private readonly StoreHealth _health;
    private readonly TimeProvider _time;

    public JournalService(
        JournalSubscriptions subscriptions, TypeJournals journals, IEntityStore store, Deliveries deliveries, OwnedOutbox outbox, ClusterState cluster, StoreHealth health,
        EventingOptions options, TimeProvider time)
    {
        (_journals, _health, _time) = ([.. journals.ByType.Values], health, time);
        _readers =
        [
            .. from subscription in subscriptions.All
               let journal = journals.ByType.GetValueOrDefault(subscription.EntityType)
               where journal is not null
               let completions = new Pulse()
               select new JournalReader(
                   new SubscriptionConsumer(subscription, deliveries, completions), journal, store.Journal, completions, outbox, cluster, health, options, time),
        ];
    }

    /// <summary>Whether all events that this process has stored were handed out for delivery.</summary>
    public bool HasReadAll => _readers.All(reader => reader.HasReadAll);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Task.WhenAll(_readers.Select(reader => reader.SaveAsync()));
        await MarkAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        await Task.WhenAll([.. _readers.Select(reader => reader.RunAsync(stoppingToken)), MarkAgainAndAgainAsync(stoppingToken)]);
    }

    private async Task MarkAgainAndAgainAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            await Task.Delay(MarkInterval, _time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await MarkAsync(stopping);
        }
    }

    private async Task MarkAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var journal in _journals)
            {
                await journal.MarkAsync(cancellationToken);
            }
        }
        catch (StoreUnavailableException unavailable)
        {
            _health.ReportDown(unavailable);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }
}
