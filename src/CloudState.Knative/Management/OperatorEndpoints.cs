using System.Text.Json.Serialization;
using CloudState.Knative.Cluster;
using CloudState.Knative.Kestrel;
using CloudState.Knative.Routing;
using CloudState.Knative.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Management;

/// <summary>
/// HTTP in front of what operators see and do. On the internal port: <c>GET /cloudstate/cluster</c>, <c>GET /cloudstate/parked</c>,
/// <c>POST /cloudstate/parked/retry?id=…</c> and <c>POST /cloudstate/parked/discard?id=…</c>, for those whom <see cref="OperatorAccess"/> lets in. On the port of the service: <c>POST /cloudstate/wake</c>.
/// </summary>
internal sealed class OperatorEndpoints(ClusterState cluster, ParkedDeliveries parked, PendingWork work, PeerEndpoint peers, OperatorAccess access)
{
    public const string ClusterPath = "/cloudstate/cluster";
    public const string ParkedPath = "/cloudstate/parked";
    public const string WakePath = "/cloudstate/wake";
    private const string RetryPath = ParkedPath + "/retry";
    private const string DiscardPath = ParkedPath + "/discard";
    private const int MaxShown = 1000;

    /// <summary>Takes all requests of the internal port: nothing of the service is served there.</summary>
    public void UseInternalPort(IApplicationBuilder app) => app.MapWhen(InternalPort.Received, port => port.Run(HandleInternalAsync));

    public async Task WakeAsync(HttpContext http)
    {
        var report = await work.CompleteAsync(http.RequestAborted);
        if (IsCloudEvent(http.Request))
        {
            // Sources take a body that is no event for a failure.
            http.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        await http.Response.WriteAsJsonAsync(report, OperatorJson.Default.WakeReport, cancellationToken: http.RequestAborted);
    }

    private Task HandleInternalAsync(HttpContext http) => (http.Request.Method, http.Request.Path.Value) switch
    {
        ("GET", PeerEndpoint.ForwardPath) => peers.HandleAsync(http),
        _ when access.WhyRefused(http.Request) is { } reason => AnswerAsync(http, StatusCodes.Status403Forbidden, reason),
        ("GET", ClusterPath) => http.Response.WriteAsJsonAsync(ClusterReport.Of(cluster), OperatorJson.Default.ClusterReport, cancellationToken: http.RequestAborted),
        ("GET", ParkedPath) => WithStoreAsync(http, ListParkedAsync),
        ("POST", RetryPath) => WithStoreAsync(http, _ => AnswerAsync(http, parked.RetryAsync)),
        ("POST", DiscardPath) => WithStoreAsync(http, _ => AnswerAsync(http, parked.DiscardAsync)),
        _ => NotFoundAsync(http),
    };

    private static async Task WithStoreAsync(HttpContext http, Func<HttpContext, Task> answer)
    {
        try
        {
            await answer(http);
        }
        catch (StoreUnavailableException)
        {
            await AnswerAsync(http, StatusCodes.Status503ServiceUnavailable, "The store is not available; the log says why. Try again.");
        }
    }

    private static Task AnswerAsync(HttpContext http, int status, string reason)
    {
        http.Response.StatusCode = status;
        return http.Response.WriteAsync(reason, http.RequestAborted);
    }

    private async Task ListParkedAsync(HttpContext http)
    {
        var reports = await parked.ListAsync(MaxShown, http.RequestAborted);
        await http.Response.WriteAsJsonAsync(reports, OperatorJson.Default.IReadOnlyListParkedReport, cancellationToken: http.RequestAborted);
    }

    private static async Task AnswerAsync(HttpContext http, Func<string, CancellationToken, Task<ParkedOutcome?>> act)
    {
        var id = (string?)http.Request.Query["id"] ?? "";
        var outcome = await act(id, http.RequestAborted);
        http.Response.StatusCode = outcome switch
        {
            null => StatusCodes.Status404NotFound,
            { IsBlocked: true } => StatusCodes.Status409Conflict,
            _ => StatusCodes.Status200OK,
        };
        outcome ??= new ParkedOutcome(0, $"No delivery with the id '{id}' is parked. GET {ParkedPath} lists those that are.");
        await http.Response.WriteAsJsonAsync(outcome, OperatorJson.Default.ParkedOutcome, cancellationToken: http.RequestAborted);
    }

    private static Task NotFoundAsync(HttpContext http)
    {
        http.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private static bool IsCloudEvent(HttpRequest request) =>
        request.Headers.ContainsKey("ce-specversion") || request.ContentType?.StartsWith("application/cloudevents", StringComparison.OrdinalIgnoreCase) == true;
}

[JsonSerializable(typeof(ClusterReport))]
[JsonSerializable(typeof(IReadOnlyList<ParkedReport>))]
[JsonSerializable(typeof(ParkedOutcome))]
[JsonSerializable(typeof(WakeReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class OperatorJson : JsonSerializerContext;
