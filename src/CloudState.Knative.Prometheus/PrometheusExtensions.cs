using CloudState.Knative;
using CloudState.Knative.Hosting;
using Microsoft.AspNetCore.Builder;
using OpenTelemetry.Metrics;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Serves metrics to Prometheus.</summary>
public static class PrometheusExtensions
{
    private const string Path = "/metrics";

    /// <summary>
    /// Collects the metrics of the service and serves them at <c>/metrics</c>, in Prometheus' format. Conventions of <c>MapCloudState()</c>, such as
    /// <c>RequireAuthorization()</c>, hold there too. Export by OTLP, with <c>AddTelemetry()</c>, goes on beside it.
    /// </summary>
    /// <param name="builder">What <c>builder.AddCloudState()</c> returns.</param>
    public static CloudStateBuilder AddPrometheus(this CloudStateBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddMetrics().WithMetrics(metrics => metrics.AddPrometheusExporter());
        builder.Services.AddSingleton(new MappedExtra("metrics", Path, endpoints => endpoints.MapPrometheusScrapingEndpoint(Path)));
        return builder;
    }
}
