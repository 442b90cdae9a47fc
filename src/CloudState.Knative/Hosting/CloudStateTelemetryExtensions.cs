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
    /// Collects traces, metrics and logs, and exports them by OTLP, when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set. Otherwise nothing is collected.
    /// </summary>
    /// <param name="builder">What <c>builder.AddCloudState()</c> returns.</param>
    /// <exception cref="NotSupportedException">
    /// The application calls <c>UseOtlpExporter</c> as well. OpenTelemetry throws it when the service starts.
    /// </exception>
    public static CloudStateBuilder AddTelemetry(this CloudStateBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (string.IsNullOrEmpty(builder.Host.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
        {
            return builder;
        }

        builder.Host.Logging.AddOpenTelemetry(logging => logging.IncludeFormattedMessage = true);
        builder.AddMetrics()
            .WithTracing(tracing => tracing.AddSource(CloudStateTelemetry.Name, "Npgsql").AddAspNetCoreInstrumentation(
                // The request of a link between pods lasts as long as the pods.
                requests => requests.Filter = http => http.Request.Path != PeerEndpoint.ForwardPath))
            .UseOtlpExporter();
        return builder;
    }

    /// <summary>Collects metrics, for an exporter.</summary>
    internal static OpenTelemetryBuilder AddMetrics(this CloudStateBuilder builder)
    {
        var configuration = builder.Host.Configuration;
        return builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(
                configuration["OTEL_SERVICE_NAME"] ?? configuration["K_SERVICE"] ?? builder.Host.Environment.ApplicationName))
            .WithMetrics(metrics => metrics.AddMeter(CloudStateTelemetry.Name, "Npgsql").AddAspNetCoreInstrumentation());
    }
}
