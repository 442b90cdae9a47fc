using CloudState.Knative.Cluster;
using CloudState.Knative.Storage;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CloudState.Knative.Management;

/// <summary>Ready means: the store answers, and the process is a member of the cluster.</summary>
internal sealed class StoreHealthCheck(IEntityStore store, StoreHealth health, ClusterState cluster) : IHealthCheck
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
            return cluster.IsReady ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("The process has not joined the cluster yet.");
        }
        catch (StoreUnavailableException unavailable)
        {
            health.ReportDown(unavailable);
            return HealthCheckResult.Unhealthy(unavailable.Message);
        }
    }
}
