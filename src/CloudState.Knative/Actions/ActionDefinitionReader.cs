using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using CloudState.Knative.Entities;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Actions;

/// <summary>Reads an action class and its service, and checks that they fit. Whatever is wrong is found here, at start-up.</summary>
internal static class ActionDefinitionReader
{
    public static ActionDefinition Read([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods)] Type actionClass)
    {
        ActionBinding.RootSharedCode();
        var handlers = new HandlerClass(actionClass);
        var attribute = actionClass.GetCustomAttribute<ActionAttribute>(inherit: false)
            ?? throw handlers.Wrong("has no action attribute. Add: [Action<YourService.YourServiceBase>]");
        var service = handlers.Bind(attribute.ServiceBase);
        var methods = service.Methods.Select(rpc => ReadMethod(handlers, rpc)).ToArray();
        handlers.RejectStrayHandlers();
        return new ActionDefinition(attribute, actionClass, service, methods, handlers.ReadCalls(attribute.Calls));
    }

    private static ActionMethod ReadMethod(HandlerClass handlers, MethodDescriptor rpc)
    {
        var (message, reply) = (rpc.InputType.ClrType, rpc.OutputType.ClrType);
        var input = rpc.IsClientStreaming ? StreamOf(message) : message;
        var output = rpc.IsServerStreaming ? StreamOf(reply) : reply;
        var signature = $"public {NameOf(output, rpc.IsClientStreaming && !rpc.IsServerStreaming)} {rpc.Name}({NameOf(input)} {(rpc.IsClientStreaming ? "messages" : "message")}, ActionContext context)";

        var handler = handlers.FindHandler(rpc, signature);
        var returns = rpc.IsServerStreaming ? handler.ReturnType == output : HandlerClass.Returns(handler, reply);
        if (!HandlerClass.Takes(handler, input, typeof(ActionContext)) || !returns)
        {
            throw handlers.Wrong($"has a method {handler.Name} that does not fit the rpc {rpc.FullName}. Write: {signature}");
        }

        var name = $"{handlers.Type.Name}.{rpc.Name}";
        return rpc.IsServerStreaming
            ? new ActionMethod(rpc, name, SingleReply: null, ActionBinding.StreamedReply(handler, handlers.Type, input, reply))
            : new ActionMethod(rpc, name, ActionBinding.SingleReply(handler, handlers.Type, input, reply), StreamedReply: null);
    }

    private static string NameOf(Type type, bool asTask = false) =>
        asTask ? $"Task<{type.Name}>" : type.IsGenericType ? $"IAsyncEnumerable<{type.GetGenericArguments()[0].Name}>" : type.Name;

    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "Messages are classes.")]
    private static Type StreamOf(Type message) => typeof(IAsyncEnumerable<>).MakeGenericType(message);
}
