using System.Diagnostics.CodeAnalysis;

namespace CloudState.Knative.Entities;

/// <summary>
/// Gets the generated base class of a gRPC service as a type argument. Attributes carry it so, in order that the generic methods of gRPC are instantiated at compile time;
/// what is done with it is up to the visitor.
/// </summary>
internal interface IServiceVisitor
{
    void Visit<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TService>()
        where TService : class;
}
