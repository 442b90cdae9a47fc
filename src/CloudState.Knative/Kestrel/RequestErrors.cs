using CloudState.Knative.Memory;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CloudState.Knative.Kestrel;

/// <summary>
/// Answers, at every edge, requests that Kestrel refuses while their body is read (too large, broken off) with their status,
/// and refuses paths that Kestrel would leave half decoded, so that no key is taken for another.
/// </summary>
internal static class RequestErrors
{
    public static void UseRequestErrors(this IApplicationBuilder app, MemoryLimit memory) => app.Use(async (http, next) =>
    {
        if (HasBadPercentEncoding(http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget))
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            await http.Response.WriteAsync("The path has a '%' that is not followed by two hexadecimal digits. Encode it as %25.");
            return;
        }

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
        catch (OutOfMemoryException)
        {
            MemoryGate.RanOut(http, memory);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has gone.
        }
    });

    private static bool HasBadPercentEncoding(ReadOnlySpan<char> target)
    {
        for (var percent = target.IndexOf('%'); percent >= 0; percent = target.IndexOf('%'))
        {
            target = target[(percent + 1)..];
            if (target.Length < 2 || !char.IsAsciiHexDigit(target[0]) || !char.IsAsciiHexDigit(target[1]))
            {
                return true;
            }
        }

        return false;
    }
}
