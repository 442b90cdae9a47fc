using Microsoft.Extensions.Hosting;

namespace CloudState.Knative.Storage;

/// <summary>Opens the store while the service starts, and again after an outage.</summary>
internal sealed class StoreMonitor(IEntityStore store, StoreHealth health, StoreMonitorOptions options, TimeProvider time) : BackgroundService
{
    private bool _isMigrated = !options.AutoMigrate;
    private Task<bool> _opening = Task.FromResult(false);

    /// <summary>Begins to open the store; the rest of the start goes on meanwhile, unless there is a schema to make first.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        _opening = Task.Run(() => TryOpenAsync(cancellationToken), cancellationToken);
        if (options.AutoMigrate)
        {
            await _opening;
        }

        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await _opening;
            while (true)
            {
                await health.Down.WaitAsync(stoppingToken);
                for (var delay = options.FirstRetry; !await TryOpenAsync(stoppingToken, checksWrites: true); delay = Min(delay * 2, options.LastRetry))
                {
                    await Task.Delay(delay, time, stoppingToken);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    private async Task<bool> TryOpenAsync(CancellationToken cancellationToken, bool checksWrites = false)
    {
        try
        {
            if (!_isMigrated)
            {
                await store.MigrateAsync(cancellationToken);
                _isMigrated = true;
            }

            await store.CheckAsync(cancellationToken);
            if (checksWrites)
            {
                await store.CheckWritesAsync(cancellationToken);
            }

            health.ReportUp();
            return true;
        }
        catch (StoreUnavailableException unavailable)
        {
            health.ReportStillDown(unavailable);
            return false;
        }
    }

    private static TimeSpan Min(TimeSpan left, TimeSpan right) => left < right ? left : right;
}

/// <summary>How the store is opened.</summary>
internal sealed record StoreMonitorOptions(bool AutoMigrate)
{
    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan LastRetry { get; init; } = TimeSpan.FromSeconds(5);
}
