using CloudState.Knative.Calls;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Entities;

/// <summary>Handles a command and returns its reply, an object that is shared with no other code.</summary>
internal delegate ValueTask<IMessage?> CommandHandler(EntityInstance entity, IMessage command, CommandContext context);

/// <summary>One rpc of a service with the handler that answers it.</summary>
internal sealed class CommandDefinition(MethodDescriptor rpc, string className, EntityKeyFields key, CommandHandler handler)
{
    public MethodDescriptor Rpc { get; } = rpc;

    /// <summary><c>package.Service/Method</c></summary>
    public string FullName { get; } = rpc.FullRpcName();

    /// <summary>The handler as its author knows it, <c>Class.Method</c>.</summary>
    public string HandlerName { get; } = $"{className}.{rpc.Name}";

    /// <summary>The topic that the replies are published to; null when they are not.</summary>
    public string? OutTopic { get; } = Calls.OutTopic.Of(rpc);

    /// <summary>What traces call a command.</summary>
    public string SpanName { get; } = $"command {rpc.Service.FullName}/{rpc.Name}";

    /// <summary>Whether the handler is asked again after every change of the entity, to push what it returns.</summary>
    public bool IsStreaming { get; } = rpc.IsServerStreaming;

    /// <summary>What replies of a replicated entity vouch for; null for the default of the service.</summary>
    public CrdtLevel? Level { get; init; }

    public EntityKeyFields Key { get; } = key;

    public CommandHandler Handler { get; } = handler;

    /// <exception cref="InvalidOperationException">The handler has not answered, or has done what it must not.</exception>
    public void CheckAnswer(IMessage? reply, CommandContext context)
    {
        if (reply is null && context.Failure is null && context.ForwardTo is null)
        {
            throw CallContext.NoAnswer(HandlerName);
        }

        if (IsStreaming && (context.HasChanges || context.Effects.Count > 0 || context.TimerRequests.Count > 0 || context.ForwardTo is not null))
        {
            throw new InvalidOperationException($"{HandlerName} changed the entity, set a timer or called another rpc. The handler of a streaming rpc is asked after every change, and must only answer.");
        }
    }
}
