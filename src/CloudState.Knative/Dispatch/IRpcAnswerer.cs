using CloudState.Knative.Calls;

namespace CloudState.Knative.Dispatch;

/// <summary>Answers the calls of one rpc: an entity, an action, or another service.</summary>
internal interface IRpcAnswerer
{
    /// <summary>Makes a recorded call. Whatever happens, the outcome is a value.</summary>
    /// <param name="call">The rpc, its serialized input and its metadata.</param>
    /// <param name="id">The id under which the call takes effect once.</param>
    /// <param name="scope">The call that led to it.</param>
    /// <exception cref="Google.Protobuf.InvalidProtocolBufferException">The input cannot be read.</exception>
    ValueTask<CallOutcome> CallAsync(OutgoingCall call, string id, CallScope scope);
}
