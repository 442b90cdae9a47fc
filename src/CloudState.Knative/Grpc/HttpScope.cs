using System.Diagnostics;
using CloudState.Knative.Calls;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Grpc;

/// <summary>Makes the scope of a call of what comes over HTTP, as gRPC or REST.</summary>
internal static class HttpScope
{
    /// <exception cref="RpcException">The Idempotency-Key is malformed.</exception>
    public static CallScope Create(HttpRequest request, CallLimits limits, DateTimeOffset? deadline, CancellationToken callCancelled) => new()
    {
        CommandId = CommandIdOf(request, limits.MaxCommandIdLength),
        Metadata = RequestMetadata.Read(request.Headers),
        Deadline = deadline,
        Trace = Activity.Current?.Context ?? default,
        CallCancelled = callCancelled,
    };

    private static string? CommandIdOf(HttpRequest request, int maxLength) =>
        request.Headers.TryGetValue(CallHeaders.CommandId, out var id) && !string.IsNullOrEmpty(id)
            ? id.Count == 1 && id[0]!.Length <= maxLength
                ? CommandIds.OfKey(id[0]!)
                : throw new RpcException(new Status(StatusCode.InvalidArgument, CommandIds.TooLong(maxLength)))
            : null;
}
