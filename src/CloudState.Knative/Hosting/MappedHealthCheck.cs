using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CloudState.Knative.Hosting;

/// <summary>Not ready while <c>Program</c> has mapped nothing, for health endpoints of its own: those of this library are mapped with all others.</summary>
internal sealed class MappedHealthCheck(MappedService mapped) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        mapped.Endpoints is null ? HealthCheckResult.Unhealthy(MappedService.Missing) : HealthCheckResult.Healthy());
}
