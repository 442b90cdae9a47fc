using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Google.Protobuf;

namespace CloudState.Knative.Actions;

/// <summary>Turns methods of an action class into delegates, once, at start-up. The generic classes below are instantiated over reference types only, whose code is shared.</summary>
[UnconditionalSuppressMessage("AOT", "IL3050", Justification = "All type arguments are reference types; the shared instantiation is rooted by RootSharedCode.")]
[UnconditionalSuppressMessage("Trimming", "IL2055", Justification = "The type arguments carry no requirements on members.")]
internal static class ActionBinding
{
    public static SingleReplyHandler SingleReply(MethodInfo method, Type action, Type input, Type reply) => Create(action, input, reply).BindSingle(method);

    public static StreamedReplyHandler StreamedReply(MethodInfo method, Type action, Type input, Type reply) => Create(action, input, reply).BindStreamed(method);

    /// <summary>Does nothing; makes the ahead-of-time compiler generate the shared code.</summary>
    public static void RootSharedCode() => _ = new Binding<object, object, IMessage>();

    private static IBinding Create(Type action, Type input, Type reply) =>
        (IBinding)Activator.CreateInstance(typeof(Binding<,,>).MakeGenericType(action, input, reply))!;

    private interface IBinding
    {
        SingleReplyHandler BindSingle(MethodInfo method);

        StreamedReplyHandler BindStreamed(MethodInfo method);
    }

    private sealed class Binding<TAction, TInput, TReply> : IBinding
        where TAction : class
        where TInput : class
        where TReply : class, IMessage
    {
        public SingleReplyHandler BindSingle(MethodInfo method)
        {
            if (method.ReturnType == typeof(ValueTask<TReply>))
            {
                var valueTask = WithContext<ValueTask<TReply?>>(method);
                return async (action, input, context) => await valueTask((TAction)action, (TInput)input, context);
            }

            if (method.ReturnType == typeof(Task<TReply>))
            {
                var task = WithContext<Task<TReply?>>(method);
                return async (action, input, context) => await task((TAction)action, (TInput)input, context);
            }

            var plain = WithContext<TReply?>(method);
            return (action, input, context) => new ValueTask<IMessage?>(plain((TAction)action, (TInput)input, context));
        }

        public StreamedReplyHandler BindStreamed(MethodInfo method)
        {
            var stream = WithContext<IAsyncEnumerable<TReply?>>(method);
            return (action, input, context) => stream((TAction)action, (TInput)input, context);
        }

        private static Func<TAction, TInput, ActionContext, TResult> WithContext<TResult>(MethodInfo method)
        {
            if (method.GetParameters().Length == 2)
            {
                return method.CreateDelegate<Func<TAction, TInput, ActionContext, TResult>>();
            }

            var withoutContext = method.CreateDelegate<Func<TAction, TInput, TResult>>();
            return (action, input, _) => withoutContext(action, input);
        }
    }
}
