using CloudState.Knative.Entities;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Grpc;

/// <summary>Makes commands of what comes over HTTP: calls of gRPC and of REST.</summary>
internal static class HttpCommand
{
    public const string CommandIdHeader = "idempotency-key";
    private const int MaxCommandIdLength = 256;

    /// <exception cref="RpcException">The Idempotency-Key is not one.</exception>
    public static Command Create(EntityDefinition entity, CommandDefinition definition, IMessage message, HttpRequest request, DateTimeOffset? deadline, CancellationToken callCancelled) => new()
    {
        Definition = definition,
        Entity = new EntityId(entity.EntityType, definition.Key.Read(message)),
        Message = message,
        Metadata = RequestMetadata.Read(request.Headers),
        CommandId = definition.IsStreaming ? null : CommandIdOf(request),
        Deadline = deadline,
        CallCancelled = callCancelled,
    };

    /// <exception cref="RpcException">The Idempotency-Key is not one.</exception>
    public static string? CommandIdOf(HttpRequest request) =>
        request.Headers.TryGetValue(CommandIdHeader, out var id) && !string.IsNullOrEmpty(id)
            ? id.Count == 1 && id[0]!.Length <= MaxCommandIdLength
                ? id[0]
                : throw new RpcException(new Status(StatusCode.InvalidArgument, $"Idempotency-Key must be given once and have at most {MaxCommandIdLength} characters."))
            : null;
}
