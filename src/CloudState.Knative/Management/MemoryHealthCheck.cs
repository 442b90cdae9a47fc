using CloudState.Knative.Memory;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CloudState.Knative.Management;

/// <summary>Not ready while work is refused for lack of memory.</summary>
internal sealed class MemoryHealthCheck(MemoryLimit memory) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        memory.Refuses ? HealthCheckResult.Unhealthy("There is too little memory for more work.") : HealthCheckResult.Healthy());
}
