using Google.Api;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Calls;

/// <summary>Whether clients reach an rpc, as the options <c>(cloudstate.internal_rpc)</c> and <c>(cloudstate.internal_service)</c> say.</summary>
internal static class RpcVisibility
{
    /// <summary>Whether no edge serves any rpc of the service.</summary>
    public static bool IsInternal(this ServiceDescriptor service) => service.GetOptions()?.GetExtension(VisibilityExtensions.InternalService) is true;

    /// <summary>Whether no edge serves the rpc.</summary>
    /// <exception cref="EntityDefinitionException">The rpc has an HTTP rule all the same.</exception>
    public static bool IsInternal(this MethodDescriptor rpc)
    {
        var isInternal = rpc.GetOptions()?.GetExtension(VisibilityExtensions.InternalRpc) is true
            || rpc.Service.IsInternal();
        return isInternal && rpc.GetOptions()?.GetExtension(AnnotationsExtensions.Http) is not null
            ? throw new EntityDefinitionException(
                $"{rpc.FullRpcName()} is internal (cloudstate.internal_rpc or internal_service), but has a path for clients (google.api.http). Remove one of them.")
            : isInternal;
    }
}
