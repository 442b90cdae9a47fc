using CloudState.Knative.Delivery;
using CloudState.Knative.Effects;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CloudState.Knative.Hosting;

/// <summary>Not ready while more waits to be delivered than <see cref="EffectOptions.MaxBacklog"/>.</summary>
internal sealed class BacklogHealthCheck(Deliveries deliveries, EffectOptions options) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        deliveries.Count > options.MaxBacklog ? HealthCheckResult.Unhealthy($"{deliveries.Count} deliveries wait; {options.MaxBacklog} may.") : HealthCheckResult.Healthy());
}
