using CloudState.Knative.Calls;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Grpc;

/// <summary>Sends the metadata of replies: as gRPC response headers, or as HTTP headers.</summary>
internal static class HttpReply
{
    public static Task WriteMetadataAsync(CallOutcome outcome, ServerCallContext context)
    {
        if (outcome.Metadata is not { Count: > 0 } entries)
        {
            return Task.CompletedTask;
        }

        var headers = new Metadata();
        foreach (var (name, value) in entries)
        {
            headers.Add(name, value);
        }

        return context.WriteResponseHeadersAsync(headers);
    }

    public static void WriteMetadata(CallOutcome outcome, HttpResponse response)
    {
        foreach (var (name, value) in outcome.Metadata ?? [])
        {
            response.Headers.Append(name, value);
        }
    }
}
