using CloudState.Knative.Calls;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Grpc;

/// <summary>Sends what goes out with a reply beside its message: as gRPC response headers, or as HTTP headers.</summary>
internal static class HttpReply
{
    public static Task WriteMetadataAsync(CallOutcome outcome, ServerCallContext context)
    {
        if (outcome is { Metadata: null or { Count: 0 }, Position: null })
        {
            return Task.CompletedTask;
        }

        return context.WriteResponseHeadersAsync(outcome.ToHeaders());
    }

    public static void WriteMetadata(CallOutcome outcome, HttpResponse response)
    {
        foreach (var (name, value) in outcome.Metadata ?? [])
        {
            response.Headers.Append(name, value);
        }

        WritePosition(outcome, response);
    }

    public static void WritePosition(CallOutcome outcome, HttpResponse response)
    {
        if (outcome.Position is { } position)
        {
            response.Headers[CallHeaders.Position] = position;
        }
    }
}
