using System.Collections.Frozen;
using System.Diagnostics;
using CloudNative.CloudEvents;
using CloudState.Knative.Calls;
using CloudState.Knative.Dispatch;
using CloudState.Knative.Entities;
using CloudState.Knative.Protobuf;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.CloudEvents;

/// <summary>
/// Turns a CloudEvent into a call of an rpc. Its <c>type</c> picks the rpc, by the full name of the rpc's input message or as
/// <c>package.Service/Method</c>; its <c>subject</c> is the entity key when the message has none (<see cref="KafkaRecord"/> has another one); its <c>source</c> and <c>id</c>
/// together are the command id.
/// </summary>
/// <remarks>
/// An rpc may be bound to a topic, by <c>option (cloudstate.eventing).in = { topic: "…" }</c>. Events that come under the name of a topic go to its rpcs only; others to any rpc, to a bound one first when several
/// take the type. An internal rpc takes only events of its topic. What no rpc takes by its type goes to the rpc that takes a <c>google.protobuf.Any</c>.
/// </remarks>
internal sealed class CloudEventRoutes
{
    private readonly FrozenDictionary<string, CloudEventRoute[]> _byType;
    private readonly FrozenDictionary<string, TopicRoutes> _byTopic;
    private readonly MessageShapes _shapes;
    private readonly int _maxIdLength;

    /// <exception cref="EntityDefinitionException">A binding to a topic makes no sense.</exception>
    public CloudEventRoutes(RpcTable table, IReadOnlyDictionary<string, TopicOptions> topics, MessageShapes shapes, CallLimits limits)
    {
        (_shapes, _maxIdLength) = (shapes, limits.MaxCommandIdLength);
        CloudEventRoute[] routes = [.. table.Local.Select(rpc => CloudEventRoute.Of(rpc.Rpc, rpc.Key))];
        routes = Array.FindAll(routes, route => route.Rpc is { IsClientStreaming: false, IsServerStreaming: false });
        _byType = routes
            .Where(route => !route.Rpc.IsInternal())
            .SelectMany(route => route.Types, (route, type) => (type, route))
            .GroupBy(entry => entry.type, entry => entry.route)
            .ToFrozenDictionary(group => group.Key, group => group.ToArray());
        _byTopic = routes
            .Where(route => route.Topic is not null)
            .GroupBy(route => route.Topic!)
            .ToFrozenDictionary(topic => topic.Key, topic => new TopicRoutes(topic.Key, topic, topics.GetValueOrDefault(topic.Key) ?? new()));
    }

    /// <param name="cloudEvent">The event.</param>
    /// <param name="topic">Under whose name it came; null when under none.</param>
    /// <param name="metadata">What came with it.</param>
    /// <param name="callCancelled">Cancels the call.</param>
    /// <exception cref="CloudEventException">No call can be made of the event.</exception>
    public CloudEventCall ToCall(CloudEvent cloudEvent, string? topic, CallMetadata metadata, CancellationToken callCancelled)
    {
        var bound = topic is null ? null : RoutesOf(topic);
        var route = bound is null ? FindRoute(cloudEvent.Type!) : bound.Find(cloudEvent);
        var message = CloudEventData.Read(cloudEvent, route.Rpc.InputType, bound?.TypeOf(cloudEvent) ?? cloudEvent.Type!, bound?.IncomingContentType, _shapes);
        if (route.Key is { } key)
        {
            WriteKey(cloudEvent, message, key);
        }

        return new CloudEventCall(
            new OutgoingCall(route.FullName, message.ToByteString(), metadata),
            IdOf(cloudEvent),
            new CallScope { CallCancelled = callCancelled, Trace = TraceOf(cloudEvent), Order = route.Topic is null ? null : RoutesOf(route.Topic).OrderOf(cloudEvent) })
        {
            Rpc = route.Rpc,
            Key = route.Key?.Read(message) ?? NameOf(cloudEvent).Value,
        };
    }

    private string IdOf(CloudEvent cloudEvent)
    {
        var (source, id) = (cloudEvent.Source!.ToString(), cloudEvent.Id!);
        return source.Length + id.Length <= _maxIdLength
            ? CommandIds.OfEvent(source, id)
            : throw CloudEventException.BadRequest(
                $"The source and the id of the event have {source.Length + id.Length} characters together; at most {_maxIdLength} are allowed (CloudState:MaxCommandIdLength).");
    }

    private static void WriteKey(CloudEvent cloudEvent, IMessage message, EntityKeyFields key)
    {
        var (attribute, value) = NameOf(cloudEvent);
        if (!key.TryComplete(message, value))
        {
            throw CloudEventException.BadRequest($"The {attribute} '{value}' is no entity key of {message.Descriptor.FullName}. Set in the data: {key}.");
        }
    }

    /// <summary>What the event says it is about, and where.</summary>
    private static (string Attribute, string? Value) NameOf(CloudEvent cloudEvent) =>
        KafkaRecord.Is(cloudEvent) ? KafkaRecord.KeyOf(cloudEvent) : ("subject", cloudEvent.Subject);

    private TopicRoutes RoutesOf(string topic) => _byTopic.GetValueOrDefault(topic)
        ?? throw CloudEventException.BadRequest($"No rpc takes events of the topic '{topic}'. Known topics: {string.Join(", ", _byTopic.Keys.Order())}.");

    private CloudEventRoute FindRoute(string type)
    {
        var candidates = _byType.GetValueOrDefault(type) ?? _byType.GetValueOrDefault(Any.Descriptor.FullName)
            ?? throw CloudEventException.BadRequest($"No rpc takes events of type '{type}'. Known types: {string.Join(", ", _byType.Keys.Order())}.");
        return candidates is [var only] ? only
            : Array.FindAll(candidates, candidate => candidate.Topic is not null) is [var bound] ? bound
            : throw CloudEventException.BadRequest($"Several rpcs take '{type}'. Send one of the types {string.Join(", ", candidates.Select(candidate => candidate.FullName))}.");
    }

    private static ActivityContext TraceOf(CloudEvent cloudEvent) =>
        ActivityContext.TryParse(cloudEvent["traceparent"] as string, cloudEvent["tracestate"] as string, isRemote: true, out var trace)
            ? trace
            : Activity.Current?.Context ?? default;
}

/// <summary>The call that an event is for, and the id under which it takes effect once.</summary>
internal sealed record CloudEventCall(OutgoingCall Call, string CommandId, CallScope Scope)
{
    public required MethodDescriptor Rpc { get; init; }

    /// <summary>The key of the entity, or the subject of an event for an action: events of one key are handled in order.</summary>
    public required string? Key { get; init; }
}
