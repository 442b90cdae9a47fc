using System.Buffers;
using CloudState.Knative.Grpc;
using CloudState.Knative.Protobuf;
using Google.Api;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Rest;

/// <summary>Writes the answer of one call as JSON transcoding does: a message, or a line for each message of a stream, or a status.</summary>
internal sealed class RpcOutput(HttpResponse response, MessageCodec codec, bool isStream) : IServerStreamWriter<IMessage>
{
    private const string JsonContentType = "application/json; charset=utf-8";

    public WriteOptions? WriteOptions { get; set; }

    public Task WriteAsync(IMessage message) => WriteAsync(message, default);

    public Task WriteAsync(IMessage message, CancellationToken cancellationToken) => message is HttpBody raw
        ? SendAsync(StatusCodes.Status200OK, raw.ContentType, raw.Data.Memory, cancellationToken)
        : SendAsync(StatusCodes.Status200OK, JsonContentType, codec.Write(message), cancellationToken);

    public Task FailAsync(Status status)
    {
        response.HttpContext.Features.Get<IFailingResponse>()?.Fail();
        return SendAsync(RestStatus.HttpStatusOf(status.StatusCode), JsonContentType, RestStatus.Write(status), default);
    }

    private async Task SendAsync(int status, string contentType, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        if (!response.HasStarted)
        {
            response.StatusCode = status;
            response.ContentType = contentType;
            response.ContentLength = isStream ? null : content.Length;
        }

        response.BodyWriter.Write(content.Span);
        if (isStream)
        {
            response.BodyWriter.Write("\n"u8);
        }

        await response.BodyWriter.FlushAsync(cancellationToken);
    }
}
