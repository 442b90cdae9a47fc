using CloudState.Knative.Outbox;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CloudState.Knative.Management;

/// <summary>Not ready while more waits to be delivered than <see cref="DeliveryOptions.MaxBacklog"/>.</summary>
internal sealed class BacklogHealthCheck(Deliveries deliveries, DeliveryOptions options) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        deliveries.Count > options.MaxBacklog ? HealthCheckResult.Unhealthy($"{deliveries.Count} deliveries wait; {options.MaxBacklog} may.") : HealthCheckResult.Healthy());
}
