using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Entities;
using CloudState.Knative.Replicated;

namespace CloudState.Knative;

/// <summary>Makes a class that derives from <see cref="CrdtEntity{TState}"/> the implementation of a gRPC service.</summary>
/// <typeparam name="TService">The service's generated base class, for example <c>Likes.LikesBase</c>.</typeparam>
/// <param name="entityType">The name under which entities are stored, for example <c>likes</c>.</param>
public sealed class CrdtEntityAttribute<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TService>(string entityType)
    : EntityAttribute(entityType)
    where TService : class
{
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)]
    internal override Type ServiceBase => typeof(TService);

    internal override void Accept(IServiceVisitor visitor) => visitor.Visit<TService>();

    internal override EntityModel ReadModel(HandlerClass handlers) => CrdtModel.Read(handlers);
}
