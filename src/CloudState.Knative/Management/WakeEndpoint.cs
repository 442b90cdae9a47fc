using System.Text.Json.Serialization;
using CloudState.Knative.Delivery;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Management;

/// <summary>
/// Keeps the process awake for as long as it has something to deliver: an open request is what an autoscaler sees. Answers at once when there is nothing, so that a schedule
/// can ask every minute whether a service at zero pods has anything to do.
/// </summary>
internal sealed class WakeEndpoint(Backlog backlog, DeliveryOptions options)
{
    public const string Path = "/cloudstate/wake";

    public async Task HandleAsync(HttpContext http)
    {
        await backlog.WaitUntilEmptyAsync(options.WakeTimeout, http.RequestAborted);
        if (IsCloudEvent(http.Request))
        {
            // Sources take a body that is no event for a failure.
            http.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        await http.Response.WriteAsJsonAsync(new WakeReport(backlog.Count, backlog.NextTimer), WakeJson.Default.WakeReport, cancellationToken: http.RequestAborted);
    }

    private static bool IsCloudEvent(HttpRequest request) =>
        request.Headers.ContainsKey("ce-specversion") || request.ContentType?.StartsWith("application/cloudevents", StringComparison.OrdinalIgnoreCase) == true;
}

/// <summary>What is left.</summary>
/// <param name="Waiting">How much is still to be delivered by this process.</param>
/// <param name="NextTimer">When the next timer is due; null when there is none.</param>
internal sealed record WakeReport(int Waiting, DateTimeOffset? NextTimer);

[JsonSerializable(typeof(WakeReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class WakeJson : JsonSerializerContext;
