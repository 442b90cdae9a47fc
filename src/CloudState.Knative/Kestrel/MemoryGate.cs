using CloudState.Knative.Memory;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Kestrel;

/// <summary>Refuses requests that there is no memory for, before anything of them is read: 503, in gRPC RESOURCE_EXHAUSTED. Probes pass.</summary>
internal static class MemoryGate
{
    private const string Detail = "There is too little memory for more work. Try again later.";

    // Of a body there are texts, a message, its JSON and its row for a while.
    private const int CopiesOfBody = 6;

    public static void UseMemoryGate(this IApplicationBuilder app, MemoryLimit memory) => app.Use(async (http, next) =>
    {
        if (IsProbe(http.Request.Path))
        {
            await next(http);
            return;
        }

        var reserved = memory.HasRoom() ? memory.Reserve((http.Request.ContentLength ?? 0) * CopiesOfBody) : -1;
        if (reserved < 0)
        {
            Refuse(http);
            return;
        }

        try
        {
            await next(http);
        }
        catch (OutOfMemoryException)
        {
            memory.RanOut();
            if (http.Response.HasStarted)
            {
                http.Abort();
            }
            else
            {
                http.Response.Clear();
                Refuse(http);
            }
        }
        finally
        {
            memory.Release(reserved);
        }
    });

    private static bool IsProbe(PathString path) => path.StartsWithSegments("/health") || path.StartsWithSegments("/grpc.health.v1.Health");

    private static void Refuse(HttpContext http)
    {
        var response = http.Response;
        if (http.Request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true)
        {
            response.ContentType = http.Request.ContentType;
            response.Headers["grpc-status"] = $"{StatusCode.ResourceExhausted:D}";
            response.Headers["grpc-message"] = Detail;
        }
        else
        {
            response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            response.Headers.RetryAfter = "1";
        }
    }
}
