using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Hosting;

/// <summary>Answers requests that Kestrel refuses while their body is read (too large, broken off) with their status, at every edge.</summary>
internal static class RequestErrors
{
    public static void UseRequestErrors(this WebApplication app) => app.Use(async (http, next) =>
    {
        try
        {
            await next(http);
        }
        catch (BadHttpRequestException refused) when (!http.Response.HasStarted)
        {
            http.Response.Clear();
            http.Response.StatusCode = refused.StatusCode;
            await http.Response.WriteAsync(refused.Message);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has gone; there is nobody to answer.
        }
    });
}
