using System.Collections.Frozen;
using CloudState.Knative.Calls;
using CloudState.Knative.Entities;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Actions;

/// <summary>Runs a handler of an action class: one message or a stream of them in, one message or a stream of them out.</summary>
/// <param name="action">An instance of the class.</param>
/// <param name="input">The message, or an <see cref="IAsyncEnumerable{T}"/> of the rpc's input type.</param>
/// <param name="context">The surroundings.</param>
internal delegate ValueTask<IMessage?> SingleReplyHandler(object action, object input, ActionContext context);

/// <inheritdoc cref="SingleReplyHandler"/>
internal delegate IAsyncEnumerable<IMessage?> StreamedReplyHandler(object action, object input, ActionContext context);

/// <summary>One rpc of a service with the action's method that answers it: exactly one of the handlers is there.</summary>
internal sealed record ActionMethod(MethodDescriptor Rpc, string HandlerName, SingleReplyHandler? SingleReply, StreamedReplyHandler? StreamedReply)
{
    /// <summary><c>package.Service/Method</c></summary>
    public string FullName { get; } = Rpc.FullRpcName();

    /// <summary>The topic that the replies are published to; null when they are not.</summary>
    public string? OutTopic { get; } = Calls.OutTopic.Of(Rpc);

    /// <exception cref="InvalidOperationException">The handler has not answered.</exception>
    public void CheckAnswer(ActionAnswer answer)
    {
        if (answer is { Reply: null, Forward: null, Failure: null })
        {
            throw CallContext.NoAnswer(HandlerName);
        }
    }
}

/// <summary>An action class with its service, read once at start-up by <see cref="ActionDefinitionReader"/>.</summary>
internal sealed record ActionDefinition(ActionAttribute Attribute, Type ActionClass, ServiceDescriptor Service, IReadOnlyList<ActionMethod> Methods, IReadOnlyList<string> Calls);

/// <summary>The methods of all action classes of a service.</summary>
internal sealed class ActionDefinitions
{
    private readonly FrozenDictionary<string, (ActionRegistration Action, ActionMethod Method)> _byMethod;

    public ActionDefinitions(IEnumerable<ActionRegistration> registrations)
    {
        All = [.. registrations];
        EntityDefinitions.RejectDuplicates(All, action => action.Definition.ActionClass, action => action.Definition.Service.FullName, "the service");
        _byMethod = All.SelectMany(action => action.Definition.Methods, (action, method) => (action, method)).ToFrozenDictionary(pair => pair.method.FullName);
    }

    public IReadOnlyList<ActionRegistration> All { get; }

    public IEnumerable<(ActionRegistration Action, ActionMethod Method)> Methods => _byMethod.Values;

    /// <param name="fullName"><c>package.Service/Method</c></param>
    public bool Has(string fullName) => _byMethod.ContainsKey(fullName);

}

/// <summary>An action class that was added, and how an instance of it is made.</summary>
internal sealed record ActionRegistration(ActionDefinition Definition, Func<IServiceProvider, object> CreateInstance);
