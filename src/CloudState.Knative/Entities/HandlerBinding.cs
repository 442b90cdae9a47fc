using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using CloudState.Knative.Calls;
using CloudState.Knative.Protobuf;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Entities;

/// <summary>
/// Turns methods of an entity class into delegates, once, at start-up. The generic classes below are instantiated over
/// reference types, whose code is shared, and a few primitive types: that is why this works under Native AOT without code generation.
/// </summary>
[UnconditionalSuppressMessage("AOT", "IL3050", Justification = "All type arguments are reference types or primitive; their instantiations are rooted by RootSharedCode.")]
[UnconditionalSuppressMessage("Trimming", "IL2055", Justification = "The type arguments carry no requirements on members.")]
internal static class HandlerBinding
{
    public static CommandHandler Command(MethodInfo method, Type entity, Type command, Type reply) =>
        ((ICommandBinding)Create(typeof(CommandBinding<,,>).MakeGenericType(entity, command, reply))).Bind(method);

    /// <summary>For the end of a stream, which has no reply.</summary>
    public static CommandHandler StreamEnd(MethodInfo method, Type entity, MethodDescriptor rpc) =>
        ((IStreamEndBinding)Create(typeof(StreamEndBinding<,>).MakeGenericType(entity, rpc.InputType.ClrType))).Bind(method, rpc.OutputType.Parse(ByteString.Empty));

    /// <summary>Whether a method returns what a handler without a reply may.</summary>
    public static bool CanEnd(MethodInfo method) => method.ReturnType == typeof(void) || method.ReturnType == typeof(Task) || method.ReturnType == typeof(ValueTask);

    public static Action<Entity, object> Action(MethodInfo method, Type entity, Type input) =>
        ((IObjectBinding)Create(typeof(ObjectBinding<,>).MakeGenericType(entity, input))).BindAction(method);

    public static Func<Entity, object> Function(MethodInfo method, Type entity, Type output) =>
        ((IObjectBinding)Create(typeof(ObjectBinding<,>).MakeGenericType(entity, output))).BindFunction(method);

    public static Func<Entity, object, object> Conversion(MethodInfo method, Type entity, Type input, Type output) =>
        ((IConversionBinding)Create(typeof(ConversionBinding<,,>).MakeGenericType(entity, input, output))).Bind(method);

    private static object Create([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] Type binding) =>
        Activator.CreateInstance(binding)!;

    /// <summary>Does nothing; makes the ahead-of-time compiler generate the shared code.</summary>
    public static void RootSharedCode()
    {
        _ = new CommandBinding<Entity, EmptyMessage, EmptyMessage>();
        _ = new StreamEndBinding<Entity, EmptyMessage>();
        _ = new ObjectBinding<Entity, EmptyMessage>();
        _ = new ObjectBinding<Entity, int>();
        _ = new ObjectBinding<Entity, long>();
        _ = new ObjectBinding<Entity, float>();
        _ = new ObjectBinding<Entity, double>();
        _ = new ObjectBinding<Entity, bool>();
        _ = new ConversionBinding<Entity, EmptyMessage, EmptyMessage>();
    }

    private static Func<TEntity, TCommand, CommandContext, TResult> WithContext<TEntity, TCommand, TResult>(MethodInfo method, bool takesContext)
    {
        if (takesContext)
        {
            return method.CreateDelegate<Func<TEntity, TCommand, CommandContext, TResult>>();
        }

        var withoutContext = method.CreateDelegate<Func<TEntity, TCommand, TResult>>();
        return (entity, command, _) => withoutContext(entity, command);
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

    private interface IStreamEndBinding
    {
        CommandHandler Bind(MethodInfo method, IMessage noReply);
    }

    private interface IObjectBinding
    {
        Action<Entity, object> BindAction(MethodInfo method);

        Func<Entity, object> BindFunction(MethodInfo method);
    }

    private interface IConversionBinding
    {
        Func<Entity, object, object> Bind(MethodInfo method);
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
                var reply = call((TEntity)((ClassInstance)entity).Entity, (TCommand)command, context);

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
                return AsEntity(WithContext<TEntity, TCommand, ValueTask<TReply?>>(method, takesContext));
            }

            if (method.ReturnType == typeof(Task<TReply>))
            {
                var task = WithContext<TEntity, TCommand, Task<TReply?>>(method, takesContext);
                return AsEntity((entity, command, context) => new ValueTask<TReply?>(task(entity, command, context)));
            }

            var plain = WithContext<TEntity, TCommand, TReply?>(method, takesContext);
            return (entity, command, context) => new ValueTask<TReply?>(plain(entity, command, context));
        }

        /// <summary>A handler that can wait is marked, so that it does not wait for another entity, which may wait for this one.</summary>
        private static Func<TEntity, TCommand, CommandContext, ValueTask<TReply?>> AsEntity(Func<TEntity, TCommand, CommandContext, ValueTask<TReply?>> handler) =>
            async (entity, command, context) =>
            {
                CurrentCall.Value = CurrentCall.OfEntity;
                return await handler(entity, command, context);
            };
    }

    private sealed class StreamEndBinding<TEntity, TCommand> : IStreamEndBinding
        where TEntity : Entity
        where TCommand : class, IMessage<TCommand>
    {
        public CommandHandler Bind(MethodInfo method, IMessage noReply)
        {
            var call = BindTyped(method);
            return async (entity, command, context) =>
            {
                CurrentCall.Value = CurrentCall.OfEntity;
                await call((TEntity)((ClassInstance)entity).Entity, (TCommand)command, context);
                return noReply;
            };
        }

        private static Func<TEntity, TCommand, CommandContext, ValueTask> BindTyped(MethodInfo method)
        {
            var takesContext = method.GetParameters().Length == 2;
            if (method.ReturnType == typeof(ValueTask))
            {
                return WithContext<TEntity, TCommand, ValueTask>(method, takesContext);
            }

            if (method.ReturnType == typeof(Task))
            {
                var task = WithContext<TEntity, TCommand, Task>(method, takesContext);
                return (entity, command, context) => new ValueTask(task(entity, command, context));
            }

            var plain = takesContext ? method.CreateDelegate<Action<TEntity, TCommand, CommandContext>>() : WithoutContext(method);
            return (entity, command, context) =>
            {
                plain(entity, command, context);
                return ValueTask.CompletedTask;
            };
        }

        private static Action<TEntity, TCommand, CommandContext> WithoutContext(MethodInfo method)
        {
            var withoutContext = method.CreateDelegate<Action<TEntity, TCommand>>();
            return (entity, command, _) => withoutContext(entity, command);
        }
    }

    private sealed class ObjectBinding<TEntity, TObject> : IObjectBinding
        where TEntity : Entity
        where TObject : notnull
    {
        public Action<Entity, object> BindAction(MethodInfo method)
        {
            var action = method.CreateDelegate<Action<TEntity, TObject>>();
            return (entity, input) => action((TEntity)entity, (TObject)input);
        }

        public Func<Entity, object> BindFunction(MethodInfo method)
        {
            var function = method.CreateDelegate<Func<TEntity, TObject>>();
            return entity => function((TEntity)entity) is var output && output is IDeepCloneable<TObject> message ? message.Clone() : output;
        }
    }

    private sealed class ConversionBinding<TEntity, TInput, TOutput> : IConversionBinding
        where TEntity : Entity
        where TInput : class
        where TOutput : class
    {
        public Func<Entity, object, object> Bind(MethodInfo method)
        {
            var conversion = method.CreateDelegate<Func<TEntity, TInput, TOutput>>();
            return (entity, input) => conversion((TEntity)entity, (TInput)input);
        }
    }
}
