using Google.Protobuf.Reflection;

namespace CloudState.Knative.Calls;

internal static class RpcNames
{
    /// <summary>The full name of an rpc, <c>package.Service/Method</c>.</summary>
    public static string FullRpcName(this MethodDescriptor rpc) => $"{rpc.Service.FullName}/{rpc.Name}";
}
