using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;

namespace CloudState.Knative.Entities;

/// <summary>Reads an entity class and its service, and checks that they fit. Whatever is wrong is found here, at start-up.</summary>
internal sealed class EntityDefinitionReader
{
    private readonly Type _entityClass;
    private readonly MethodInfo[] _methods;

    private EntityDefinitionReader([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods)] Type entityClass)
    {
        _entityClass = entityClass;
        _methods = [.. entityClass.GetMethods(BindingFlags.Public | BindingFlags.Instance)
            .Where(method => !method.IsSpecialName && method.GetBaseDefinition().DeclaringType != typeof(object))];
    }

    public static EntityDefinition Read([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods)] Type entityClass)
    {
        HandlerBinding.RootSharedCode();
        return new EntityDefinitionReader(entityClass).Read();
    }

    private EntityDefinition Read()
    {
        var attribute = _entityClass.GetCustomAttribute<EntityAttribute>()
            ?? throw Wrong("has no entity attribute. Add: [EventSourcedEntity<YourService.YourServiceBase>(\"your-entity-type\")]");
        if (string.IsNullOrWhiteSpace(attribute.EntityType) || attribute.EntityType.Contains('/'))
        {
            throw Wrong($"has the entity type '{attribute.EntityType}'. Choose a name that is not empty and has no '/'.");
        }

        var state = StateType();
        var service = ReadService(attribute);
        var commands = service.Methods.Select(ReadCommand).ToArray();
        var eventHandlers = ReadEventHandlers(attribute);
        RejectStrayHandlers(service);
        var (snapshots, snapshotType) = ReadSnapshots(attribute, state);

        return new EntityDefinition
        {
            Attribute = attribute,
            EntityClass = _entityClass,
            Service = service,
            Commands = commands.ToFrozenDictionary(command => command.FullName),
            EventHandlers = eventHandlers,
            Snapshots = snapshots,
            StoredMessages = [.. eventHandlers.EventTypes.Append(snapshotType).OfType<Type>().Select(DescriptorOf)],
        };
    }

    private ServiceDescriptor ReadService(EntityAttribute attribute)
    {
        var binding = attribute.ServiceBase.GetCustomAttribute<BindServiceMethodAttribute>()
            ?? throw Wrong($"names {attribute.ServiceBase.Name} as its service, which is no generated gRPC base class. Name the class that the protobuf compiler made, such as ShoppingCart.ShoppingCartBase.");
        return ServiceDescriptorOf(binding);
    }

    [UnconditionalSuppressMessage("Trimming", "IL2072", Justification = "The generated base class, all of which is kept, refers to this property through its own attribute.")]
    private static ServiceDescriptor ServiceDescriptorOf(BindServiceMethodAttribute binding) =>
        (ServiceDescriptor)binding.BindType.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static)!.GetValue(null)!;

    private CommandDefinition ReadCommand(MethodDescriptor rpc)
    {
        var command = rpc.InputType.ClrType;
        var reply = rpc.OutputType.ClrType;
        var signature = $"public {reply.Name} {rpc.Name}({command.Name} command, CommandContext context)";
        if (rpc.IsClientStreaming)
        {
            throw Wrong($"is bound to the rpc {rpc.FullName}, whose input is a stream. A command of an entity is one message: remove 'stream' before the input.");
        }

        var handlers = _methods.Where(method => method.Name == rpc.Name).ToArray();
        if (handlers is not [var handler])
        {
            throw Wrong(handlers.Length == 0
                ? $"has no handler for the rpc {rpc.FullName}. Add: {signature}"
                : $"has {handlers.Length} methods named {rpc.Name}; the rpc {rpc.FullName} needs exactly one. Keep: {signature}");
        }

        var parameters = handler.GetParameters();
        var takes = parameters.Length is 1 or 2 && parameters[0].ParameterType == command
            && (parameters.Length == 1 || parameters[1].ParameterType == typeof(CommandContext));
        if (!takes || !Returns(handler, reply))
        {
            throw Wrong($"has a method {rpc.Name} that does not fit the rpc {rpc.FullName}. Write: {signature}, or return Task<{reply.Name}> or ValueTask<{reply.Name}>.");
        }

        return new CommandDefinition(rpc, ReadKey(rpc), HandlerBinding.Command(handler, _entityClass, command, reply));
    }

    private static bool Returns(MethodInfo handler, Type reply)
    {
        var result = handler.ReturnType;
        return result == reply || (result.IsGenericType
            && result.GetGenericTypeDefinition() is var wrapper && (wrapper == typeof(Task<>) || wrapper == typeof(ValueTask<>))
            && result.GetGenericArguments()[0] == reply);
    }

    private EntityKeyFields ReadKey(MethodDescriptor rpc)
    {
        var fields = EntityKeyFields.Marked(rpc.InputType).ToArray();
        if (fields.Length == 0)
        {
            throw Wrong($"cannot answer the rpc {rpc.FullName}: its input {rpc.InputType.FullName} has no entity key. Mark a field with [(cloudstate.entity_key) = true].");
        }

        var unfit = Array.Find(fields, field => !EntityKeyFields.CanBeKey(field));
        return unfit is null
            ? EntityKeyFields.Of(rpc.InputType)
            : throw Wrong($"cannot answer the rpc {rpc.FullName}: the key field {unfit.FullName} is neither a string nor an integer. Use one of these types.");
    }

    private EventHandlers ReadEventHandlers(EntityAttribute attribute)
    {
        var handlers = new Dictionary<Type, Action<Entity, IMessage>>();
        foreach (var method in _methods.Where(method => method.Name == "Apply"))
        {
            if (method.ReturnType != typeof(void) || method.GetParameters() is not [var parameter] || !IsMessage(parameter.ParameterType))
            {
                throw Wrong($"has an event handler '{method}' of the wrong shape. Write: public void Apply(YourEvent @event), where YourEvent is a protobuf message.");
            }

            handlers.Add(parameter.ParameterType, HandlerBinding.Action(method, _entityClass, parameter.ParameterType));
        }

        if (attribute.Events.FirstOrDefault(declared => !handlers.ContainsKey(declared)) is { } unhandled)
        {
            throw Wrong($"declares the event {unhandled.Name} but has no event handler for it. Add: public void Apply({unhandled.Name} @event)");
        }

        if (attribute.Events.Length > 0 && handlers.Keys.FirstOrDefault(handled => !attribute.Events.Contains(handled)) is { } undeclared)
        {
            throw Wrong($"handles the event {undeclared.Name}, which its attribute does not declare. Add typeof({undeclared.Name}) to Events, or remove Apply({undeclared.Name}).");
        }

        return new EventHandlers(_entityClass, handlers);
    }

    private void RejectStrayHandlers(ServiceDescriptor service)
    {
        var stray = Array.Find(_methods, method =>
            method.Name is not ("Apply" or "Restore")
            && method.GetParameters() is [var first, ..] && IsMessage(first.ParameterType)
            && service.FindMethodByName(method.Name) is null);
        if (stray is not null)
        {
            throw Wrong($"has a public method {stray.Name} that takes a message, but {service.FullName} has no rpc of that name. Add the rpc, rename the method, name it Apply if it handles an event, or make it private.");
        }
    }

    private (SnapshotHandlers? Handlers, Type? Type) ReadSnapshots(EntityAttribute attribute, Type state)
    {
        var take = Array.Find(_methods, method => method.Name == "Snapshot");
        var restore = Array.Find(_methods, method => method.Name == "Restore");
        if (take is not null || restore is not null)
        {
            var fits = take is not null && restore is not null
                && take.GetParameters().Length == 0 && IsMessage(take.ReturnType)
                && restore.ReturnType == typeof(void) && restore.GetParameters() is [var parameter] && parameter.ParameterType == take.ReturnType;
            return fits
                ? (new SnapshotHandlers(
                    HandlerBinding.Function(take!, _entityClass, take!.ReturnType),
                    HandlerBinding.Action(restore!, _entityClass, take.ReturnType)), take.ReturnType)
                : throw Wrong("has Snapshot and Restore methods that do not fit. Write both: public TheSnapshot Snapshot() and public void Restore(TheSnapshot snapshot), where TheSnapshot is a protobuf message.");
        }

        if (IsMessage(state))
        {
            return (new SnapshotHandlers(entity => entity.TakeSnapshot(), (entity, snapshot) => entity.RestoreSnapshot(snapshot)), state);
        }

        return attribute.SnapshotEvery < 0
            ? (null, null)
            : throw Wrong($"keeps its state in {state.Name}, which is no protobuf message. Add public TheSnapshot Snapshot() and public void Restore(TheSnapshot snapshot), or set SnapshotEvery = -1 to store no snapshots.");
    }

    private Type StateType()
    {
        for (var type = _entityClass.BaseType; type is not null; type = type.BaseType)
        {
            if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(EventSourcedEntity<>))
            {
                return type.GetGenericArguments()[0];
            }
        }

        throw Wrong("does not derive from EventSourcedEntity<TState>. Derive from it.");
    }

    private static bool IsMessage(Type type) => type.IsClass && typeof(IMessage).IsAssignableFrom(type);

    [UnconditionalSuppressMessage("Trimming", "IL2067", Justification = "No constructor runs; the descriptor is a static of the message class.")]
    private static MessageDescriptor DescriptorOf(Type message) => ((IMessage)RuntimeHelpers.GetUninitializedObject(message)).Descriptor;

    private EntityDefinitionException Wrong(string what) => new($"{_entityClass.FullName} {what}");
}
