using CloudState.Knative.Calls;
using CloudState.Knative.Entities;
using CloudState.Knative.Journal;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.CloudEvents;

/// <summary>An rpc that takes events that come over HTTP; the topic is null when it is bound to none.</summary>
internal sealed record CloudEventRoute(MethodDescriptor Rpc, EntityKeyFields? Key, string? Topic) : EventRpc(Rpc, Key)
{
    /// <summary>What an event may call it.</summary>
    public IEnumerable<string> Types => [FullName, Rpc.InputType.FullName];

    /// <exception cref="EntityDefinitionException">Its binding to a topic makes no sense.</exception>
    public static CloudEventRoute Of(MethodDescriptor rpc, EntityKeyFields? key)
    {
        var method = rpc.FullRpcName();
        var binding = rpc.GetOptions()?.GetExtension(EventingExtensions.Eventing);
        var topic = binding?.In?.SourceCase == EventSource.SourceOneofCase.Topic ? binding.In.Topic : null;
        return binding switch
        {
            { In.SourceCase: EventSource.SourceOneofCase.EventLog } => new CloudEventRoute(rpc, key, Topic: null),
            { In: not null } when string.IsNullOrEmpty(topic) => throw new EntityDefinitionException($"{method} is bound to a source of events (cloudstate.eventing.in) without a name. Give the name of a topic."),
            { In: not null } when rpc.IsClientStreaming || rpc.IsServerStreaming => throw new EntityDefinitionException(
                $"{method} is bound to the topic '{topic}', but streams. Events are delivered one by one: bind a unary rpc."),
            _ => new CloudEventRoute(rpc, key, topic),
        };
    }
}
