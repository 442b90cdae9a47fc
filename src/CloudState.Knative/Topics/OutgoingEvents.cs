using System.Diagnostics;
using System.Globalization;
using CloudState.Knative.Calls;
using CloudState.Knative.CloudEvents;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Topics;

/// <summary>How the events of a service come to be: from the replies of its rpcs, and from the journals of its entities.</summary>
internal static class OutgoingEvents
{
    private const string Json = "application/json";
    private const string Protobuf = "application/protobuf";

    /// <summary>The types of data that messages can be written as.</summary>
    public static bool IsMessageContentType(string contentType) => contentType == Json || IsProtobuf(contentType);

    /// <summary>A reply as an event; null when it says nothing. An <c>Any</c> is what it holds.</summary>
    /// <param name="rpc">Whose reply it is.</param>
    /// <param name="shapes">Of the messages of the service.</param>
    /// <param name="reply">The reply.</param>
    /// <param name="topicContentType">How messages are written: application/json or application/protobuf.</param>
    /// <param name="id">Of the event.</param>
    /// <param name="serviceName">What the service is called in the source.</param>
    /// <param name="subject">What the reply is about; its partition key, too.</param>
    /// <param name="replyMetadata">What went out with the reply: <c>ce-</c> entries in it are attributes of the event, and come before those made here.</param>
    /// <param name="trace">Where the trace stands.</param>
    /// <param name="time">When the reply was made.</param>
    /// <exception cref="InvalidOperationException">No event can be made of it.</exception>
    public static OutgoingEvent? FromReply(
        MethodDescriptor rpc,
        MessageShapes shapes,
        IMessage reply,
        string topicContentType,
        string id,
        string serviceName,
        string? subject,
        IReadOnlyList<KeyValuePair<string, string>>? replyMetadata,
        ActivityContext trace,
        DateTimeOffset time)
    {
        var method = rpc.FullRpcName();
        if (DataOf(rpc, shapes, method, reply, topicContentType) is not var (type, dataContentType, data))
        {
            return null;
        }

        subject = string.IsNullOrEmpty(subject) ? null : subject;
        var published = new OutgoingEvent
        {
            Id = id,
            Source = $"/{Uri.EscapeDataString(serviceName)}/{method}",
            Type = type,
            Subject = subject,
            Time = time.ToUniversalTime(),
            PartitionKey = subject,
            DataContentType = dataContentType,
            Data = data,
            Trace = trace,
        };
        return replyMetadata is null ? published : ReplyAttributes.Apply(published, method, replyMetadata);
    }

    /// <summary>An event of an entity, as it was stored.</summary>
    /// <param name="serviceName">What the service is called in the source.</param>
    /// <param name="entityType">Of the entity.</param>
    /// <param name="entityId">Of the entity; the subject and the partition key.</param>
    /// <param name="sequence">The number of the event within the entity; the extension <c>sequence</c>.</param>
    /// <param name="typeName">What the event is called in the store.</param>
    /// <param name="dataContentType">What the data is.</param>
    /// <param name="data">The event.</param>
    /// <param name="time">When it was stored.</param>
    public static OutgoingEvent FromJournal(
        string serviceName, string entityType, string entityId, long sequence, string typeName, string dataContentType, ByteString data, DateTimeOffset time)
    {
        var number = sequence.ToString(CultureInfo.InvariantCulture);
        var subject = entityId.Length == 0 ? null : entityId;
        return new OutgoingEvent
        {
            Id = $"{entityType}/{entityId}/{number}",
            Source = $"/{Uri.EscapeDataString(serviceName)}/{Uri.EscapeDataString(entityType)}",
            Type = typeName,
            Subject = subject,
            Time = time.ToUniversalTime(),
            PartitionKey = subject,
            DataContentType = dataContentType,
            Data = data,
            Extensions = [new("sequence", number)],
        };
    }

    private static (string Type, string ContentType, ByteString Data)? DataOf(MethodDescriptor rpc, MessageShapes shapes, string method, IMessage reply, string topicContentType)
    {
        try
        {
            return reply is Any any ? Unpack(any)
                : reply is Empty ? null
                : IsProtobuf(topicContentType) ? (reply.Descriptor.FullName, topicContentType, reply.ToByteString())
                : (reply.Descriptor.FullName, Json, Write(new MessageCodec(rpc.OutputType, shapes), reply));
        }
        catch (Exception invalid) when (invalid is InvalidProtocolBufferException or InvalidOperationException or UnstorableDataException)
        {
            throw new InvalidOperationException($"The reply of {method} cannot be an event: {invalid.Message}", invalid);
        }
    }

    /// <summary>The reverse of what comes in as an <c>Any</c>, see <see cref="CloudEventData"/>; primitive values that no media type stands for are JSON.</summary>
    private static (string Type, string ContentType, ByteString Data)? Unpack(Any any)
    {
        const string jsonPrefix = "json.cloudstate.io/";
        var url = any.TypeUrl;
        return url switch
        {
            "" => null,
            "p.cloudstate.io/string" => (url, "text/plain", ByteString.CopyFromUtf8(StringValue.Parser.ParseFrom(any.Value).Value)),
            "p.cloudstate.io/bytes" => (url, "application/octet-stream", BytesValue.Parser.ParseFrom(any.Value).Value),
            "p.cloudstate.io/int32" => Primitive(Int32Value.Descriptor),
            "p.cloudstate.io/int64" => Primitive(Int64Value.Descriptor),
            "p.cloudstate.io/float" => Primitive(FloatValue.Descriptor),
            "p.cloudstate.io/double" => Primitive(DoubleValue.Descriptor),
            "p.cloudstate.io/bool" => Primitive(BoolValue.Descriptor),
            _ when url.StartsWith(jsonPrefix, StringComparison.Ordinal) && url.Length > jsonPrefix.Length =>
                (url[jsonPrefix.Length..], Json, BytesValue.Parser.ParseFrom(any.Value).Value),
            _ => Any.GetTypeName(url) switch
            {
                "" => throw new InvalidOperationException($"it is an Any of the type URL '{url}', which names no type."),
                var type when type == Empty.Descriptor.FullName => null,
                var type => (type, Protobuf, any.Value),
            },
        };

        (string, string, ByteString) Primitive(MessageDescriptor wrapper) =>
            (url, Json, Write(new MessageCodec(wrapper, MessageShapes.Plain), wrapper.Parser.ParseFrom(any.Value)));
    }

    private static ByteString Write(MessageCodec codec, IMessage message) => UnsafeByteOperations.UnsafeWrap(codec.Write(message));

    private static bool IsProtobuf(string contentType) => contentType is Protobuf or "application/x-protobuf";
}
