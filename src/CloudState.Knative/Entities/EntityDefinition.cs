using System.Collections.Frozen;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Entities;

/// <summary>An entity class with its service, read once at start by <see cref="EntityDefinitionReader"/>. No call reflects after that.</summary>
internal sealed class EntityDefinition
{
    public required EntityAttribute Attribute { get; init; }

    public required Type EntityClass { get; init; }

    public required ServiceDescriptor Service { get; init; }

    /// <summary>The rpcs by <see cref="CommandDefinition.FullName"/>.</summary>
    public required FrozenDictionary<string, CommandDefinition> Commands { get; init; }

    public required EntityModel Model { get; init; }

    /// <summary>The full names of services that the handlers call, as far as they are declared.</summary>
    public required IReadOnlyList<string> Calls { get; init; }

    public string EntityType => Attribute.EntityType;
}
