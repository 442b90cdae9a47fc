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

        var headers = new Metadata();
        foreach (var (name, value) in outcome.Metadata ?? [])
        {
            headers.Add(name, value);
        }

        if (outcome.Position is { } position)
        {
            headers.Add(CallHeaders.Position, position);
        }

        return context.WriteResponseHeadersAsync(headers);
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
