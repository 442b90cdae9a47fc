using System.Diagnostics;
using CloudState.Knative.Calls;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Grpc;

/// <summary>Makes the scope of a call of what comes over HTTP, as gRPC or REST.</summary>
internal static class HttpScope
{
    private const int MaxCommandIdLength = 256;

    /// <exception cref="RpcException">The Idempotency-Key is malformed.</exception>
    public static CallScope Create(HttpRequest request, DateTimeOffset? deadline, CancellationToken callCancelled) => new()
    {
        CommandId = CommandIdOf(request),
        Metadata = RequestMetadata.Read(request.Headers),
        Deadline = deadline,
        Trace = Activity.Current?.Context ?? default,
        CallCancelled = callCancelled,
    };

    private static string? CommandIdOf(HttpRequest request) =>
        request.Headers.TryGetValue(CallHeaders.CommandId, out var id) && !string.IsNullOrEmpty(id)
            ? id.Count == 1 && id[0]!.Length <= MaxCommandIdLength
                ? id[0]
                : throw new RpcException(new Status(StatusCode.InvalidArgument, $"Idempotency-Key must be given once and have at most {MaxCommandIdLength} characters."))
            : null;
}
