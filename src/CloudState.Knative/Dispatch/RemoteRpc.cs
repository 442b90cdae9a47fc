using CloudState.Knative.Calls;
using CloudState.Knative.Remote;

namespace CloudState.Knative.Dispatch;

/// <summary>An rpc of another service.</summary>
internal sealed class RemoteRpc(RemoteService service) : IRpcAnswerer
{
    public ValueTask<CallOutcome> CallAsync(OutgoingCall call, string id, CallScope scope) => service.CallAsync(call, id, scope);
}
