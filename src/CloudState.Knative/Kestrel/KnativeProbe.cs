using CloudState.Knative.Cluster;
using CloudState.Knative.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.Kestrel;

/// <summary>
/// Answers the probes of Knative's data plane, which carry the header <c>K-Network-Probe</c> on any path and must not reach
/// the application: 200 when ready, with <c>K-Network-Hash</c> echoed.
/// </summary>
internal static class KnativeProbe
{
    public static void UseKnativeProbe(this WebApplication app)
    {
        var health = app.Services.GetRequiredService<StoreHealth>();
        var ring = app.Services.GetRequiredService<ClusterState>();
        app.Use((http, next) =>
        {
            if (!http.Request.Headers.ContainsKey("K-Network-Probe"))
            {
                return next(http);
            }

            if (http.Request.Headers.TryGetValue("K-Network-Hash", out var hash))
            {
                http.Response.Headers["K-Network-Hash"] = hash;
            }

            http.Response.StatusCode = health.IsUp && ring.IsReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
            return Task.CompletedTask;
        });
    }
}
