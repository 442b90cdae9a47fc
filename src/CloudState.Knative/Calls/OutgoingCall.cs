using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Calls;

/// <summary>A call of an rpc that a handler has asked for.</summary>
/// <param name="Method">The full name of the rpc, <c>package.Service/Method</c>.</param>
/// <param name="Message">Its input, serialized.</param>
/// <param name="Metadata">What goes with it.</param>
internal sealed record OutgoingCall(string Method, ByteString Message, CallMetadata Metadata)
{
    /// <summary>The type of the message; null for a call that was read from the store.</summary>
    public MessageDescriptor? InputType { get; init; }
}

/// <summary>A call that is made for the sake of another one.</summary>
internal sealed record Effect(OutgoingCall Call, bool IsSynchronous);
