using CloudState.Knative.Storage;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CloudState.Knative.Hosting;

/// <summary>Ready means: the store answers.</summary>
internal sealed class StoreHealthCheck(IEntityStore store, StoreHealth health) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!health.IsUp)
        {
            return HealthCheckResult.Unhealthy("The store is not available.");
        }

        try
        {
            await store.CheckAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (StoreUnavailableException unavailable)
        {
            health.ReportDown(unavailable);
            return HealthCheckResult.Unhealthy(unavailable.Message);
        }
    }
}
