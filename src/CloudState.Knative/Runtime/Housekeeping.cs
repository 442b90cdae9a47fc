using CloudState.Knative.Calls;
using CloudState.Knative.Storage;
using Microsoft.Extensions.Hosting;

namespace CloudState.Knative.Runtime;

/// <summary>Lets idle entities leave memory and old command records leave the store.</summary>
internal sealed class Housekeeping(EntityRuntime runtime, IEntityStore store, StoreHealth health, CallLimits limits, TimeProvider time)
    : BackgroundService
{
    private static readonly TimeSpan MaxPassivationInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxForgetInterval = TimeSpan.FromHours(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll([ForgetAsync(stoppingToken), .. runtime.Tables.Select(table => PassivateAsync(table.Value, stoppingToken))]);

    private async Task PassivateAsync(ActivationTable table, CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(Min(table.Options.PassivateAfter / 4, MaxPassivationInterval), time);
        while (await NextTickAsync(timer, stopping))
        {
            table.PassivateIdle();
        }
    }

    private async Task ForgetAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(Min(limits.CommandIdRetention / 4, MaxForgetInterval), time);
        while (await NextTickAsync(timer, stopping))
        {
            try
            {
                await store.ForgetAsync(time.GetUtcNow() - limits.CommandIdRetention, stopping);
            }
            catch (StoreUnavailableException unavailable)
            {
                health.ReportDown(unavailable);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private static async ValueTask<bool> NextTickAsync(PeriodicTimer timer, CancellationToken stopping)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stopping);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static TimeSpan Min(TimeSpan left, TimeSpan right) => left < right ? left : right;
}
