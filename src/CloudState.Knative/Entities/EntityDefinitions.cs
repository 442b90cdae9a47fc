using System.Collections.Frozen;
using CloudState.Knative.Protobuf;

namespace CloudState.Knative.Entities;

/// <summary>All entity classes of a service.</summary>
internal sealed class EntityDefinitions
{
    private readonly FrozenDictionary<string, (EntityDefinition Entity, CommandDefinition Command)> _byMethod;
    private readonly FrozenDictionary<string, (EntityDefinition Entity, CommandDefinition Command)> _streamEnds;

    public EntityDefinitions(IReadOnlyList<EntityDefinition> definitions)
    {
        RejectDuplicates(definitions, definition => definition.EntityClass, definition => definition.Service.FullName, "the service");
        RejectDuplicates(definitions, definition => definition.EntityClass, definition => definition.EntityType, "the entity type");
        All = definitions;
        _byMethod = definitions
            .SelectMany(entity => entity.Commands.Values, (entity, command) => (entity, command))
            .ToFrozenDictionary(pair => pair.command.FullName);
        _streamEnds = definitions
            .SelectMany(entity => entity.Commands.Values, (entity, command) => (Entity: entity, Command: command.StreamEnd!))
            .Where(pair => pair.Command is not null)
            .ToFrozenDictionary(pair => pair.Command.FullName);
    }

    public IReadOnlyList<EntityDefinition> All { get; }

    public IEnumerable<(EntityDefinition Entity, CommandDefinition Command)> Commands => _byMethod.Values;

    public IEnumerable<StoredTypeUse> StoredTypes => All.SelectMany(definition => definition.Model.StoredTypes);

    /// <summary>Finds a command by the method of a gRPC call, <c>/package.Service/Method</c>. gRPC has routed by the same services.</summary>
    public (EntityDefinition Entity, CommandDefinition Command) FindMethod(string method) =>
        _byMethod.GetAlternateLookup<ReadOnlySpan<char>>()[method.AsSpan(1)];

    /// <summary>Finds a command by <see cref="CommandDefinition.FullName"/>, or the end of a stream; null when there is none.</summary>
    public (EntityDefinition Entity, CommandDefinition Command)? Find(string fullName) =>
        _byMethod.TryGetValue(fullName, out var found) || _streamEnds.TryGetValue(fullName, out found) ? found : null;

    /// <exception cref="EntityDefinitionException">Two classes have the same name of a kind.</exception>
    public static void RejectDuplicates<T>(IEnumerable<T> classes, Func<T, Type> classOf, Func<T, string> nameOf, string what)
    {
        var twice = classes.GroupBy(nameOf).FirstOrDefault(group => group.Count() > 1)?.ToArray();
        if (twice is not null)
        {
            throw new EntityDefinitionException(
                $"{classOf(twice[0]).FullName} and {classOf(twice[1]).FullName} both have {what} '{nameOf(twice[0])}'. Register only one of them.");
        }
    }
}
