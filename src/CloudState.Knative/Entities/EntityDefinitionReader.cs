using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Entities;

/// <summary>Reads an entity class and its service, and checks that they fit. Whatever is wrong is found here, at start-up.</summary>
internal sealed class EntityDefinitionReader
{
    private readonly HandlerClass _class;

    private EntityDefinitionReader(HandlerClass handlerClass) => _class = handlerClass;

    public static EntityDefinition Read([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods)] Type entityClass)
    {
        HandlerBinding.RootSharedCode();
        return new EntityDefinitionReader(new HandlerClass(entityClass)).Read();
    }

    private EntityDefinition Read()
    {
        var attribute = _class.Type.GetCustomAttribute<EntityAttribute>(inherit: false)
            ?? throw _class.Wrong("has no entity attribute. Add: [EventSourcedEntity<YourService.YourServiceBase>(\"your-entity-type\")] or [ValueEntity<…>(…)]");
        if (string.IsNullOrWhiteSpace(attribute.EntityType) || attribute.EntityType.Contains('/'))
        {
            throw _class.Wrong($"has the entity type '{attribute.EntityType}'. Choose a name that is not empty and has no '/'.");
        }

        var service = _class.Bind(attribute.ServiceBase);
        var model = attribute.ReadModel(_class);
        var commands = service.Methods.Select(rpc => ReadCommand(rpc, attribute.KeySeparator, model)).ToArray();
        _class.RejectStrayHandlers();
        return new EntityDefinition
        {
            Attribute = attribute,
            EntityClass = _class.Type,
            Service = service,
            Commands = commands.ToFrozenDictionary(command => command.FullName),
            Model = model,
            Calls = _class.ReadCalls(attribute.Calls),
        };
    }

    private CommandDefinition ReadCommand(MethodDescriptor rpc, string keySeparator, EntityModel model)
    {
        var command = rpc.InputType.ClrType;
        var reply = rpc.OutputType.ClrType;
        var signature = $"public {reply.Name} {rpc.Name}({command.Name} command, CommandContext context)";
        if (rpc.IsClientStreaming)
        {
            throw _class.Wrong($"is bound to the rpc {rpc.FullName}, whose input is a stream. A command of an entity is one message: remove 'stream' before the input, or let an action take it.");
        }

        var handler = _class.FindHandler(rpc, signature);
        if (!HandlerClass.Takes(handler, command, typeof(CommandContext)) || !HandlerClass.Returns(handler, reply))
        {
            throw _class.Wrong($"has a method {handler.Name} that does not fit the rpc {rpc.FullName}. Write: {signature}, or return Task<{reply.Name}> or ValueTask<{reply.Name}>.");
        }

        var key = ReadKey(rpc, keySeparator);
        return new CommandDefinition(rpc, _class.Type.Name, key, HandlerBinding.Command(handler, _class.Type, command, reply))
        {
            Level = ReadLevel(handler, model),
            StreamEnd = rpc.IsServerStreaming ? ReadStreamEnd(rpc, handler, key, model) : null,
        };
    }

    private CommandDefinition? ReadStreamEnd(MethodDescriptor rpc, MethodInfo streaming, EntityKeyFields key, EntityModel model)
    {
        var (name, command) = (streaming.Name + CommandDefinition.EndedSuffix, rpc.InputType.ClrType);
        return _class.Reserve(name) switch
        {
            [] => null,
            [var handler] when HandlerClass.Takes(handler, command, typeof(CommandContext)) && HandlerBinding.CanEnd(handler) =>
                new CommandDefinition(rpc, _class.Type.Name, key, HandlerBinding.StreamEnd(handler, _class.Type, rpc), CommandDefinition.EndedSuffix) { Level = ReadLevel(handler, model) },
            _ => throw _class.Wrong($"has methods {name} that do not fit the end of the stream {rpc.FullName}. Write one: public void {name}({command.Name} command, CommandContext context), or return Task or ValueTask."),
        };
    }

    private CrdtLevel? ReadLevel(MethodInfo handler, EntityModel model)
    {
        var level = handler.GetCustomAttribute<AtLevelAttribute>() ?? _class.Type.GetCustomAttribute<AtLevelAttribute>();
        return level is null || model.IsReplicated
            ? level?.Level
            : throw _class.Wrong($"has [AtLevel(CrdtLevel.{level.Level})], which only replicated entities have: what a {model.KindName} acknowledges is always stored. Remove the attribute.");
    }

    private EntityKeyFields ReadKey(MethodDescriptor rpc, string separator)
    {
        var fields = EntityKeyFields.Marked(rpc.InputType).ToArray();
        if (fields.Length == 0)
        {
            throw _class.Wrong($"cannot answer the rpc {rpc.FullName}: its input {rpc.InputType.FullName} has no entity key. Mark a field with [(cloudstate.entity_key) = true].");
        }

        var unfit = Array.Find(fields, field => !EntityKeyFields.CanBeKey(field));
        return unfit is null
            ? EntityKeyFields.Of(rpc.InputType, separator)
            : throw _class.Wrong($"cannot answer the rpc {rpc.FullName}: the key field {unfit.FullName} is neither a string nor an integer. Use one of these types.");
    }
}
