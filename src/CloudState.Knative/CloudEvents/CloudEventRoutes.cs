using System.Collections.Frozen;
using System.Diagnostics;
using CloudNative.CloudEvents;
using CloudState.Knative.Actions;
using CloudState.Knative.Effects;
using CloudState.Knative.Entities;
using CloudState.Knative.Routing;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.CloudEvents;

/// <summary>
/// Turns a CloudEvent into a call of an rpc. Its <c>type</c> picks the rpc, by the full name of the rpc's input message or as
/// <c>package.Service/Method</c>; its <c>subject</c> is the entity key when the message has none; its <c>source</c> and <c>id</c>
/// together are the command id.
/// </summary>
/// <remarks>
/// An rpc may be bound to a topic, by <c>option (cloudstate.eventing).in = { topic: "…" }</c>. Events that come under the name of a topic go to its rpcs only; others to any rpc, to a bound one first when several
/// take the type. What no rpc takes by its type goes to the rpc that takes a <c>google.protobuf.Any</c>.
/// </remarks>
internal sealed class CloudEventRoutes
{
    private readonly FrozenDictionary<string, Route[]> _byType;
    private readonly FrozenDictionary<string, FrozenDictionary<string, Route[]>> _byTopic;

    /// <exception cref="EntityDefinitionException">A binding to a topic makes no sense.</exception>
    public CloudEventRoutes(EntityDefinitions entities, ActionDefinitions actions)
    {
        Route[] routes =
        [
            .. entities.Commands.Select(pair => Route.Of(pair.Command.Rpc, pair.Command.Key)),
            .. actions.Methods.Select(method => Route.Of(method.Rpc, key: null)),
        ];
        routes = Array.FindAll(routes, route => route.Rpc is { IsClientStreaming: false, IsServerStreaming: false });
        _byType = ByType(routes);
        _byTopic = routes.Where(route => route.Topic is not null).GroupBy(route => route.Topic!).ToFrozenDictionary(topic => topic.Key, topic => ByType([.. topic]));
        foreach (var (topic, types) in _byTopic)
        {
            if (types.Values.FirstOrDefault(sameType => sameType.Length > 1) is { } twice)
            {
                throw new EntityDefinitionException($"{twice[0].Method} and {twice[1].Method} both take {twice[0].Rpc.InputType.FullName} from the topic '{topic}'. Bind only one of them.");
            }
        }
    }

    /// <param name="cloudEvent">The event.</param>
    /// <param name="topic">Under whose name it came; null when under none.</param>
    /// <param name="metadata">What came with it.</param>
    /// <param name="callCancelled">Cancels the call.</param>
    /// <exception cref="CloudEventException">No call can be made of the event.</exception>
    public CloudEventCall ToCall(CloudEvent cloudEvent, string? topic, CommandMetadata metadata, CancellationToken callCancelled)
    {
        var route = topic is null ? FindRoute(cloudEvent.Type!) : FindRoute(topic, cloudEvent.Type!);
        var message = CloudEventData.Read(cloudEvent, route.Rpc.InputType);
        if (route.Key is { } key && key.Read(message).Length == 0 && cloudEvent.Subject is { Length: > 0 } subject && !key.TryWrite(message, subject))
        {
            throw CloudEventException.BadRequest($"The subject '{subject}' is no entity key of {route.Rpc.InputType.FullName}. Set in the data: {key}.");
        }

        // A source is a URI reference and holds no space: the two parts cannot be confused.
        return new CloudEventCall(
            new OutgoingCall(route.Method, message.ToByteString(), metadata),
            $"{cloudEvent.Source} {cloudEvent.Id}",
            new CallScope { CallCancelled = callCancelled, Trace = TraceOf(cloudEvent) })
        {
            Rpc = route.Rpc,
        };
    }

    private Route FindRoute(string topic, string type) =>
        !_byTopic.TryGetValue(topic, out var types) ? throw CloudEventException.BadRequest($"No rpc takes events of the topic '{topic}'. Known topics: {string.Join(", ", _byTopic.Keys.Order())}.")
        : (types.GetValueOrDefault(type) ?? types.GetValueOrDefault(Any.Descriptor.FullName)) is [var route] ? route
        : throw CloudEventException.BadRequest($"No rpc takes events of type '{type}' from the topic '{topic}'. Known types: {string.Join(", ", types.Keys.Order())}.");

    private Route FindRoute(string type)
    {
        var candidates = _byType.GetValueOrDefault(type) ?? _byType.GetValueOrDefault(Any.Descriptor.FullName)
            ?? throw CloudEventException.BadRequest($"No rpc takes events of type '{type}'. Known types: {string.Join(", ", _byType.Keys.Order())}.");
        return candidates is [var only] ? only
            : Array.FindAll(candidates, candidate => candidate.Topic is not null) is [var bound] ? bound
            : throw CloudEventException.BadRequest($"Several rpcs take '{type}'. Send one of the types {string.Join(", ", candidates.Select(candidate => candidate.Method))}.");
    }

    private static FrozenDictionary<string, Route[]> ByType(Route[] routes) => routes
        .SelectMany(route => new[] { (Type: route.Method, Route: route), (Type: route.Rpc.InputType.FullName, Route: route) })
        .GroupBy(entry => entry.Type, entry => entry.Route)
        .ToFrozenDictionary(group => group.Key, group => group.ToArray());

    private static ActivityContext TraceOf(CloudEvent cloudEvent) =>
        ActivityContext.TryParse(cloudEvent["traceparent"] as string, cloudEvent["tracestate"] as string, isRemote: true, out var trace)
            ? trace
            : Activity.Current?.Context ?? default;

    /// <summary>An rpc that takes events; the key is null when an action answers it, the topic when it is bound to none.</summary>
    private sealed record Route(string Method, MethodDescriptor Rpc, EntityKeyFields? Key, string? Topic)
    {
        public static Route Of(MethodDescriptor rpc, EntityKeyFields? key)
        {
            var method = $"{rpc.Service.FullName}/{rpc.Name}";
            var binding = rpc.GetOptions()?.GetExtension(EventingExtensions.Eventing);
            var topic = binding?.In?.SourceCase == EventSource.SourceOneofCase.Topic ? binding.In.Topic : null;
            return binding switch
            {
                { Out: not null } => throw new EntityDefinitionException($"{method} publishes its replies (cloudstate.eventing.out), which this release does not do yet. Remove the option."),
                { In.SourceCase: EventSource.SourceOneofCase.EventLog } => throw new EntityDefinitionException(
                    $"{method} is bound to an event log (cloudstate.eventing.in), which this release does not read yet. Remove the option, or bind the rpc to a topic."),
                { In: not null } when string.IsNullOrEmpty(topic) => throw new EntityDefinitionException($"{method} is bound to a source of events (cloudstate.eventing.in) without a name. Give the name of a topic."),
                { In: not null } when rpc.IsClientStreaming || rpc.IsServerStreaming => throw new EntityDefinitionException(
                    $"{method} is bound to the topic '{topic}', but streams. Events are delivered one by one: bind a unary rpc."),
                _ => new Route(method, rpc, key, topic),
            };
        }
    }
}

/// <summary>The call that an event is for, and the id under which it takes effect once.</summary>
internal sealed record CloudEventCall(OutgoingCall Call, string CommandId, CallScope Scope)
{
    public required MethodDescriptor Rpc { get; init; }
}
