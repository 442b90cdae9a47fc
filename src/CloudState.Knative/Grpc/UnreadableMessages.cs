using CloudState.Knative.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Grpc;

/// <summary>Refuses messages that no protobuf parser reads: the client is at fault, where gRPC would log an exception of the service for each.</summary>
internal sealed partial class UnreadableMessages(TimeProvider time, ILogger<UnreadableMessages> logger)
{
    private readonly LogLimit _limit = new(time);

    /// <summary>The same rpc, whose messages are read with precise errors.</summary>
    public Method<TRequest, TResponse> Guard<TRequest, TResponse>(Method<TRequest, TResponse> rpc)
    {
        var (marshaller, name) = (rpc.RequestMarshaller, rpc.FullName);
        return new Method<TRequest, TResponse>(
            rpc.Type, rpc.ServiceName, rpc.Name, Marshallers.Create(marshaller.ContextualSerializer, Read), rpc.ResponseMarshaller);

        TRequest Read(DeserializationContext context)
        {
            try
            {
                return marshaller.ContextualDeserializer(context);
            }
            catch (InvalidProtocolBufferException unreadable)
            {
                if (_limit.TryTake(out var count))
                {
                    LogUnreadable(name, unreadable.Message, count);
                }

                throw new RpcException(new Status(StatusCode.InvalidArgument, $"The message of {name} cannot be read: {unreadable.Message}"));
            }
        }
    }

    [LoggerMessage(90, LogLevel.Warning, "A client sent a message to {Rpc} that cannot be read: {Reason} It got INVALID_ARGUMENT, as {Count} did since the last such line.", EventName = "UnreadableMessage")]
    private partial void LogUnreadable(string rpc, string reason, long count);
}
