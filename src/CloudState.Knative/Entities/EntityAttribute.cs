using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Entities;

namespace CloudState.Knative;

/// <summary>
/// Binds a class to the gRPC service it implements. Use <see cref="EventSourcedEntityAttribute{TService}"/> or <see cref="ValueEntityAttribute{TService}"/>.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public abstract class EntityAttribute : Attribute
{
    private protected EntityAttribute(string entityType) => EntityType = entityType;

    /// <summary>
    /// The name under which entities are stored. It outlives the names of the class and of the service. Do not change it once something is stored: existing data would no
    /// longer be found.
    /// </summary>
    public string EntityType { get; }

    /// <summary>
    /// The version of what the class writes. Raise it when older revisions of the service could not read its events, snapshots or values: while there are pods
    /// with a higher version, only those own entities of the type, also during a rollout.
    /// </summary>
    /// <value>Default: 1.</value>
    public int Version { get; init; } = 1;

    /// <summary>
    /// What stands between the values of several key fields in the key of an entity. Choose a text that the values do not contain: with the default,
    /// <c>a-b</c> and <c>c</c> are the same entity as <c>a</c> and <c>b-c</c>. Do not change it once something is stored.
    /// </summary>
    /// <value>Default: <c>-</c>, as in Cloudstate.</value>
    public string KeySeparator { get; init; } = "-";

    /// <summary>
    /// The services whose rpcs the handlers call, by their generated base classes. If given, the start fails unless each is implemented in this
    /// service or added with <c>AddServiceClient</c>; otherwise a missing one fails the first call of it.
    /// </summary>
    /// <value>Default: empty, not checked.</value>
    public Type[] Calls { get; init; } = [];

    /// <summary>The topic that all events of the entities are published to; null for none.</summary>
    internal virtual string? PublishTopic => null;

    /// <summary>The base class that the protobuf compiler generated for the service.</summary>
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)]
    internal abstract Type ServiceBase { get; }

    internal abstract void Accept(IServiceVisitor visitor);

    /// <summary>Reads what is special about the class because of its kind.</summary>
    /// <exception cref="EntityDefinitionException">The class does not fit its kind.</exception>
    internal abstract EntityModel ReadModel(HandlerClass handlers);
}
