using Google.Protobuf.Reflection;

namespace CloudState.Knative.Calls;

/// <summary>The topic that the replies of an rpc are published to, <c>(cloudstate.eventing).out.topic</c>.</summary>
internal static class OutTopic
{
    /// <summary>Null when the replies are not published.</summary>
    /// <exception cref="EntityDefinitionException">The option makes no sense.</exception>
    public static string? Of(MethodDescriptor rpc)
    {
        var method = rpc.FullRpcName();
        return rpc.GetOptions()?.GetExtension(EventingExtensions.Eventing) switch
        {
            null or { Out: null } => null,
            { Out.Topic: "" } => throw new EntityDefinitionException($"{method} publishes its replies (cloudstate.eventing.out), but nothing says where. Give the name of a topic."),
            _ when rpc.IsClientStreaming || rpc.IsServerStreaming => throw new EntityDefinitionException(
                $"{method} publishes its replies to a topic (cloudstate.eventing.out), but streams. Publish the replies of a unary rpc."),
            { In.SourceCase: EventSource.SourceOneofCase.Topic } loop when loop.In.Topic == loop.Out.Topic => throw new EntityDefinitionException(
                $"{method} takes events of the topic '{loop.In.Topic}' and publishes to it. Give it different topics in cloudstate.eventing."),
            var binding => binding.Out.Topic,
        };
    }
}
