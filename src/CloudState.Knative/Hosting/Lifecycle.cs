using CloudState.Knative.Cluster;
using CloudState.Knative.Delivery;
using CloudState.Knative.Journal;
using CloudState.Knative.Kestrel;
using CloudState.Knative.Routing;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Hosting;

/// <summary>
/// Starts and stops the parts of the library, in the order that stands here. Kestrel starts between 6 and 7, and stops between 10 and 11.
/// </summary>
/// <remarks>
/// Start: (0) what is registered is checked, and its endpoints are made; (1) the store opens, or its schema is made; (2) housekeeping; (3) what slots
/// have left undelivered is loaded, once there are slots; (4) deliveries; (5) timers;
/// (6) readers of the journal, and of what other processes add to replicated values; (7) with the ports open, the process joins the cluster and gets its slots.
/// Stop: (8) the last process delivers what is due; (9) the process hands its slots over while its ports are still open; (10) links to other pods end
/// in agreement;
/// (11) with the ports closed, the workers of 6 to 1 stop and note how far they have come; (12) what was acknowledged before it was stored is stored;
/// (13) the process leaves the cluster.
/// </remarks>
internal sealed partial class Lifecycle(
    StoreMonitor store,
    Housekeeping housekeeping,
    OutboxSync outbox,
    DeliveryService deliveries,
    TimerService timers,
    JournalService journal,
    ReplicaSync replicas,
    OpenFiles files,
    ShutdownDrain drain,
    Observations observations,
    ClusterState cluster,
    PeerLinks links,
    PeerEndpoint peers,
    EntityRuntime runtime,
    LocalFlush flush,
    Membership? membership,
    ServiceValidation validation,
    StartFailures failures,
    IHostApplicationLifetime application,
    ILogger<Lifecycle> logger) : IHostedLifecycleService
{
    private readonly BackgroundService[] _workers = [store, housekeeping, outbox, deliveries, timers, journal, replicas, files];
    private readonly CancellationTokenSource _stopped = new();
    private Task _following = Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        try
        {
            validation.Check();
            return Task.CompletedTask;
        }
        catch (Exception failure) when (failures.Note(failure))
        {
            throw;
        }
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        observations.Start();
        foreach (var worker in _workers)
        {
            try
            {
                await worker.StartAsync(cancellationToken);
            }
            catch (Exception failure) when (failures.Note(failure))
            {
                throw;
            }

            _ = StopApplicationOnFailureAsync(worker);
        }
    }

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        failures.HasStarted = true;
        if (membership is not null)
        {
            _following = FollowClusterAsync();
            await membership.StartAsync();
        }
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        await drain.RunAsync(cancellationToken);
        if (membership is not null)
        {
            await membership.HandOverAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        peers.Close();
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        foreach (var worker in _workers.Reverse())
        {
            await worker.StopAsync(cancellationToken);
        }
    }

    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        await flush.DrainAsync().WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (membership is not null)
        {
            await membership.LeaveAsync(cancellationToken);
        }

        await _stopped.CancelAsync();
        await _following;
    }

    /// <summary>Lets go, after each change of the cluster, of what belongs to slots and members that are no longer there.</summary>
    private async Task FollowClusterAsync()
    {
        while (!_stopped.IsCancellationRequested)
        {
            var changed = cluster.Changed;
            links.KeepOnly(cluster.Snapshot.Members);
            runtime.DropDisowned();
            await changed.WaitAsync(_stopped.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task StopApplicationOnFailureAsync(BackgroundService worker)
    {
        try
        {
            await (worker.ExecuteTask ?? Task.CompletedTask);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            if (!failures.Report(failure, isOfStore: worker == store))
            {
                LogWorkerFailed(worker.GetType().Name, failure);
            }

            application.StopApplication();
        }
    }

    [LoggerMessage(70, LogLevel.Critical, "{Worker} failed unexpectedly. The service stops.", EventName = "WorkerFailed")]
    private partial void LogWorkerFailed(string worker, Exception failure);
}
