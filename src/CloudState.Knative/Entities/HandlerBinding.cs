using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Google.Protobuf;

namespace CloudState.Knative.Entities;

/// <summary>
/// Turns methods of an entity class into delegates, once, at start-up. The generic classes below are instantiated over
/// reference types only, whose code is shared: that is why this works under Native AOT without code generation.
/// </summary>
[UnconditionalSuppressMessage("AOT", "IL3050", Justification = "All type arguments are reference types; the shared instantiation is rooted by RootSharedCode.")]
[UnconditionalSuppressMessage("Trimming", "IL2055", Justification = "The type arguments carry no requirements on members.")]
internal static class HandlerBinding
{
    public static CommandHandler Command(MethodInfo method, Type entity, Type command, Type reply) =>
        ((ICommandBinding)Create(typeof(CommandBinding<,,>).MakeGenericType(entity, command, reply))).Bind(method);

    public static Action<Entity, IMessage> Action(MethodInfo method, Type entity, Type message) =>
        ((IMessageBinding)Create(typeof(MessageBinding<,>).MakeGenericType(entity, message))).BindAction(method);

    public static Func<Entity, IMessage> Function(MethodInfo method, Type entity, Type message) =>
        ((IMessageBinding)Create(typeof(MessageBinding<,>).MakeGenericType(entity, message))).BindFunction(method);

    private static object Create([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] Type binding) =>
        Activator.CreateInstance(binding)!;

    /// <summary>Does nothing; makes the ahead-of-time compiler generate the shared code.</summary>
    public static void RootSharedCode()
    {
        _ = new CommandBinding<Entity, EmptyMessage, EmptyMessage>();
        _ = new MessageBinding<Entity, EmptyMessage>();
    }

    private sealed class EmptyMessage : IMessage<EmptyMessage>
    {
        public Google.Protobuf.Reflection.MessageDescriptor Descriptor => Google.Protobuf.WellKnownTypes.Empty.Descriptor;
        public int CalculateSize() => 0;
        public EmptyMessage Clone() => this;
        public bool Equals(EmptyMessage? other) => other is not null;
        public void MergeFrom(EmptyMessage message) { }
        public void MergeFrom(CodedInputStream input) { }
        public void WriteTo(CodedOutputStream output) { }
    }

    private interface ICommandBinding
    {
        CommandHandler Bind(MethodInfo method);
    }

    private interface IMessageBinding
    {
        Action<Entity, IMessage> BindAction(MethodInfo method);

        Func<Entity, IMessage> BindFunction(MethodInfo method);
    }

    private sealed class CommandBinding<TEntity, TCommand, TReply> : ICommandBinding
        where TEntity : Entity
        where TCommand : class, IMessage<TCommand>
        where TReply : class, IMessage<TReply>
    {
        public CommandHandler Bind(MethodInfo method)
        {
            var call = BindTyped(method);
            return (entity, command, context) =>
            {
                var reply = call((TEntity)entity, (TCommand)command, context);

                // The reply may share parts with the state, which the next command changes while the edge still writes: copy it now.
                return reply.IsCompletedSuccessfully ? new ValueTask<IMessage?>(reply.Result?.Clone()) : AwaitReply(reply);
            };
        }

        private static async ValueTask<IMessage?> AwaitReply(ValueTask<TReply?> reply) => (await reply)?.Clone();

        private static Func<TEntity, TCommand, CommandContext, ValueTask<TReply?>> BindTyped(MethodInfo method)
        {
            var takesContext = method.GetParameters().Length == 2;
            if (method.ReturnType == typeof(ValueTask<TReply>))
            {
                return WithContext<ValueTask<TReply?>>(method, takesContext);
            }

            if (method.ReturnType == typeof(Task<TReply>))
            {
                var task = WithContext<Task<TReply?>>(method, takesContext);
                return (entity, command, context) => new ValueTask<TReply?>(task(entity, command, context));
            }

            var plain = WithContext<TReply?>(method, takesContext);
            return (entity, command, context) => new ValueTask<TReply?>(plain(entity, command, context));
        }

        private static Func<TEntity, TCommand, CommandContext, TResult> WithContext<TResult>(MethodInfo method, bool takesContext)
        {
            if (takesContext)
            {
                return method.CreateDelegate<Func<TEntity, TCommand, CommandContext, TResult>>();
            }

            var withoutContext = method.CreateDelegate<Func<TEntity, TCommand, TResult>>();
            return (entity, command, _) => withoutContext(entity, command);
        }
    }

    private sealed class MessageBinding<TEntity, TMessage> : IMessageBinding
        where TEntity : Entity
        where TMessage : class, IMessage<TMessage>
    {
        public Action<Entity, IMessage> BindAction(MethodInfo method)
        {
            var action = method.CreateDelegate<Action<TEntity, TMessage>>();
            return (entity, message) => action((TEntity)entity, (TMessage)message);
        }

        public Func<Entity, IMessage> BindFunction(MethodInfo method)
        {
            var function = method.CreateDelegate<Func<TEntity, TMessage>>();
            return entity => function((TEntity)entity).Clone();
        }
    }
}
