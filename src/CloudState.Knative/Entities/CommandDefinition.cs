using CloudState.Knative.Calls;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Entities;

/// <summary>Handles a command and returns its reply, an object that is shared with no other code.</summary>
internal delegate ValueTask<IMessage?> CommandHandler(EntityInstance entity, IMessage command, CommandContext context);

/// <summary>One rpc of a service with the handler that answers it.</summary>
/// <param name="rpc">The rpc.</param>
/// <param name="className">The class of the handler.</param>
/// <param name="key">Of the rpc's input.</param>
/// <param name="handler">The handler.</param>
/// <param name="suffix">What the handler's name has behind that of the rpc, if it does not answer the rpc.</param>
internal sealed class CommandDefinition(MethodDescriptor rpc, string className, EntityKeyFields key, CommandHandler handler, string suffix = "")
{
    /// <summary>Behind the name of a streaming rpc: the handler that is called when its caller has left.</summary>
    public const string EndedSuffix = "Ended";

    public MethodDescriptor Rpc { get; } = rpc;

    /// <summary><c>package.Service/Method</c></summary>
    public string FullName { get; } = rpc.FullRpcName() + suffix;

    /// <summary>The handler as its author knows it, <c>Class.Method</c>.</summary>
    public string HandlerName { get; } = $"{className}.{rpc.Name}{suffix}";

    /// <summary>The topic that the replies are published to; null when they are not.</summary>
    public string? OutTopic { get; } = suffix.Length == 0 ? Calls.OutTopic.Of(rpc) : null;

    /// <summary>What traces call a command.</summary>
    public string SpanName { get; } = $"command {rpc.Service.FullName}/{rpc.Name}{suffix}";

    /// <summary>Whether the handler is asked again after every change of the entity, to push what it returns.</summary>
    public bool IsStreaming { get; } = rpc.IsServerStreaming && suffix.Length == 0;

    /// <summary>For a streaming rpc: what is called when a caller has left. Null if nothing is.</summary>
    public CommandDefinition? StreamEnd { get; init; }

    /// <summary>What replies of a replicated entity vouch for; null for the default of the service.</summary>
    public CrdtLevel? Level { get; init; }

    public EntityKeyFields Key { get; } = key;

    public CommandHandler Handler { get; } = handler;

    /// <exception cref="InvalidOperationException">The handler has not answered, or has done what it must not.</exception>
    public void CheckAnswer(IMessage? reply, CommandContext context)
    {
        if (reply is null && !IsStreaming && context.Failure is null && context.ForwardTo is null)
        {
            throw CallContext.NoAnswer(HandlerName);
        }

        if (IsStreaming && context.ForwardTo is not null)
        {
            throw new InvalidOperationException($"{HandlerName} gets its reply from another rpc. The handler of a streaming rpc has to give each reply itself.");
        }

        if (context.IsAskedAgain && (context.HasChanges || context.TimerRequests.Count > 0))
        {
            throw new InvalidOperationException(
                $"{HandlerName} changed the entity or set a timer. The handler of a streaming rpc is asked after every change, and may do so only for the first reply (Stream.IsFirst).");
        }
    }
}
