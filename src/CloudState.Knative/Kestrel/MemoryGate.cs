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

    public static void UseMemoryGate(this IApplicationBuilder app, MemoryLimit memory) => app.Use((http, next) =>
    {
        var reserved = memory.HasRoom() ? memory.Reserve((http.Request.ContentLength ?? 0) * CopiesOfBody) : -1;
        if (reserved == 0 || (reserved < 0 && IsProbe(http.Request.Path)))
        {
            return next(http);
        }

        if (reserved > 0)
        {
            return RunAsync(http, next, memory, reserved);
        }

        Refuse(http);
        return Task.CompletedTask;
    });

    /// <summary>Answers a request for which there was no memory left.</summary>
    public static void RanOut(HttpContext http, MemoryLimit memory)
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

    private static async Task RunAsync(HttpContext http, RequestDelegate next, MemoryLimit memory, long reserved)
    {
        try
        {
            await next(http);
        }
        finally
        {
            memory.Release(reserved);
        }
    }

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
