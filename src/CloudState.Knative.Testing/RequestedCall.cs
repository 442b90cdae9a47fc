using CloudState.Knative.Calls;
using Google.Protobuf;

namespace CloudState.Knative.Testing;

/// <summary>A call of another rpc that a handler has asked for, as an effect or a forward. The test kits do not make it, and do not know whether there is such an rpc.</summary>
public sealed class RequestedCall
{
    private readonly OutgoingCall _call;

    internal RequestedCall(OutgoingCall call, bool isSynchronous)
    {
        _call = call;
        IsSynchronous = isSynchronous;
    }

    /// <summary>The full name of the rpc, <c>package.Service/Method</c>.</summary>
    public string Rpc => _call.Method;

    /// <summary>What goes with the call; a forward takes the metadata of its own call along.</summary>
    public CallMetadata Metadata => _call.Metadata;

    /// <summary>Whether the caller gets its reply only when this call is done; that of a forward always does.</summary>
    public bool IsSynchronous { get; }

    /// <summary>The input of the rpc.</summary>
    /// <exception cref="TestKitException">It is of another type.</exception>
    public TMessage Message<TMessage>()
        where TMessage : class, IMessage =>
        _call.InputType!.Parser.ParseFrom(_call.Message) as TMessage
            ?? throw new TestKitException($"{Rpc} is called with a {_call.InputType.ClrType.FullName}, not with a {typeof(TMessage).FullName}.");
}
