using System.Globalization;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Rest;

/// <summary>Answers clients that call an internal rpc: to them there is none.</summary>
internal static class InternalRpc
{
    private const string GrpcContentType = "application/grpc";

    public static Task RefuseAsync(HttpContext http)
    {
        if (http.Request.ContentType?.StartsWith(GrpcContentType, StringComparison.OrdinalIgnoreCase) is not true)
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        // A reply without messages has its trailers as headers.
        http.Response.ContentType = GrpcContentType;
        http.Response.Headers["grpc-status"] = ((int)StatusCode.Unimplemented).ToString(CultureInfo.InvariantCulture);
        http.Response.Headers["grpc-message"] = "Method is unimplemented.";
        return Task.CompletedTask;
    }
}
