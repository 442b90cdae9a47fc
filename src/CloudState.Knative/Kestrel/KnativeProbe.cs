using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Kestrel;

/// <summary>
/// Answers the probes of Knative's data plane, which carry the header <c>K-Network-Probe</c> on any path and must not reach
/// the application: 200 when ready, with <c>K-Network-Hash</c> echoed.
/// </summary>
internal static class KnativeProbe
{
    /// <param name="app">The application.</param>
    /// <param name="isReady">Whether the service is ready.</param>
    public static void UseKnativeProbe(this IApplicationBuilder app, Func<bool> isReady) => app.Use((http, next) =>
    {
        if (!http.Request.Headers.ContainsKey("K-Network-Probe"))
        {
            return next(http);
        }

        if (http.Request.Headers.TryGetValue("K-Network-Hash", out var hash))
        {
            if (!Ascii.IsValid(hash.ToString()))
            {
                // It could not be sent back.
                http.Response.StatusCode = StatusCodes.Status400BadRequest;
                return Task.CompletedTask;
            }

            http.Response.Headers["K-Network-Hash"] = hash;
        }

        http.Response.StatusCode = isReady() ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return Task.CompletedTask;
    });
}
