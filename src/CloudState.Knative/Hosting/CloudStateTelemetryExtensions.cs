using CloudState.Knative;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Wires OpenTelemetry.</summary>
public static class CloudStateTelemetryExtensions
{
    /// <summary>
    /// Collects traces, metrics and logs. They are exported by OTLP when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set; metrics also on
    /// <c>/metrics</c> when <see cref="CloudStateOptions.PrometheusEndpoint"/> is set. Otherwise nothing is collected.
    /// </summary>
    /// <param name="builder">What <c>builder.AddCloudState()</c> returns.</param>
    /// <exception cref="NotSupportedException">
    /// The application calls <c>UseOtlpExporter</c> as well. OpenTelemetry throws it when the service starts.
    /// </exception>
    public static CloudStateBuilder AddTelemetry(this CloudStateBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var configuration = builder.Host.Configuration;
        var otlp = !string.IsNullOrEmpty(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        var prometheus = configuration["CloudState:PrometheusEndpoint"] is { } text && bool.TryParse(text, out var enabled) && enabled;
        if (!otlp && !prometheus)
        {
            return builder;
        }

        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(
                configuration["OTEL_SERVICE_NAME"] ?? configuration["K_SERVICE"] ?? builder.Host.Environment.ApplicationName))
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(CloudStateTelemetry.Name, "Npgsql").AddAspNetCoreInstrumentation();
                if (prometheus)
                {
                    metrics.AddPrometheusExporter();
                }
            });
        if (otlp)
        {
            telemetry.WithTracing(tracing => tracing.AddSource(CloudStateTelemetry.Name, "Npgsql").AddAspNetCoreInstrumentation(
                // The request of a link between pods lasts as long as the pods.
                requests => requests.Filter = http => http.Request.Path != PeerEndpoint.ForwardPath));
            builder.Host.Logging.AddOpenTelemetry(logging => logging.IncludeFormattedMessage = true);
            telemetry.UseOtlpExporter();
        }

        return builder;
    }
}
