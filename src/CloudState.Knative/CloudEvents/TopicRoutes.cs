using System.Collections.Frozen;
using System.Globalization;
using CloudNative.CloudEvents;
using CloudState.Knative.Storage;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.CloudEvents;

/// <summary>
/// The rpcs that take the events of a topic. What an event is, says the attribute that <see cref="TopicOptions.EventTypeAttribute"/> names, its type, and <see cref="TopicOptions.EventType"/>,
/// in this order: the first that an rpc takes decides. What no rpc takes goes to the one that takes a <c>google.protobuf.Any</c>.
/// </summary>
internal sealed class TopicRoutes
{
    private readonly string _topic;
    private readonly TopicOptions _options;
    private readonly FrozenDictionary<string, CloudEventRoute> _byType;

    /// <exception cref="EntityDefinitionException">Two rpcs take the same, or none takes the type of the options.</exception>
    public TopicRoutes(string topic, IEnumerable<CloudEventRoute> routes, TopicOptions options)
    {
        (_topic, _options) = (topic, options);
        var byType = routes.SelectMany(route => route.Types, (route, type) => (type, route)).ToLookup(entry => entry.type, entry => entry.route);
        if (byType.Select(sameType => sameType.ToArray()).FirstOrDefault(sameType => sameType.Length > 1) is { } twice)
        {
            throw new EntityDefinitionException($"{twice[0].FullName} and {twice[1].FullName} both take {twice[0].Rpc.InputType.FullName} from the topic '{topic}'. Bind only one of them.");
        }

        _byType = byType.ToFrozenDictionary(entry => entry.Key, entry => entry.Single());
        if (options.InOrder && _byType.Values.FirstOrDefault(route => route.Key is null) is { } action)
        {
            throw new EntityDefinitionException($"CloudState:Topics:{topic}:InOrder is set, but {action.FullName}, which takes events of the topic, is answered by an action, which knows no order. Bind rpcs of entities.");
        }

        if (options.EventType is { Length: > 0 } type && !_byType.ContainsKey(type))
        {
            throw new EntityDefinitionException($"CloudState:Topics:{topic}:EventType is '{type}', but no rpc takes that from the topic '{topic}'. Set one of: {KnownTypes}.");
        }
    }

    /// <summary>What data is that comes without a content type or as bytes; null for JSON and bytes.</summary>
    public string? IncomingContentType => string.IsNullOrEmpty(_options.IncomingContentType) ? null : _options.IncomingContentType;

    private string KnownTypes => string.Join(", ", _byType.Keys.Order());

    /// <exception cref="CloudEventException">No rpc takes the event.</exception>
    public CloudEventRoute Find(CloudEvent cloudEvent)
    {
        var type = TypeOf(cloudEvent);
        return _byType.GetValueOrDefault(type)
            ?? _byType.GetValueOrDefault(cloudEvent.Type!)
            ?? (string.IsNullOrEmpty(_options.EventType) ? null : _byType[_options.EventType])
            ?? _byType.GetValueOrDefault(Any.Descriptor.FullName)
            ?? throw CloudEventException.BadRequest($"No rpc takes events of type '{type}' from the topic '{_topic}'. Known types: {KnownTypes}.");
    }

    /// <summary>The place of the event in the order of its key; null when none is kept.</summary>
    /// <exception cref="CloudEventException">The number is none.</exception>
    public EventOrder? OrderOf(CloudEvent cloudEvent)
    {
        if (!_options.InOrder || cloudEvent.GetAttribute(_options.SequenceAttribute) is not { } attribute || cloudEvent[attribute] is not { } value)
        {
            return null;
        }

        return long.TryParse(attribute.Format(value), NumberStyles.None, CultureInfo.InvariantCulture, out var sequence) && sequence > 0
            ? EventOrder.OfTopic($"{cloudEvent.Source} {cloudEvent["partitionkey"] as string ?? cloudEvent.Subject}", sequence) with { HoldBack = _options.OutOfOrderLimit }
            : throw CloudEventException.BadRequest(
                $"The attribute {_options.SequenceAttribute} of event '{cloudEvent.Id}' is '{attribute.Format(value)}'. Send the number of the event among those of its key, the first of which is 1.");
    }

    /// <summary>What the event calls itself.</summary>
    public string TypeOf(CloudEvent cloudEvent) =>
        _options.EventTypeAttribute is { Length: > 0 } name && cloudEvent.GetAttribute(name) is { } attribute && cloudEvent[attribute] is { } value && attribute.Format(value) is { Length: > 0 } type
            ? type
            : cloudEvent.Type!;
}
