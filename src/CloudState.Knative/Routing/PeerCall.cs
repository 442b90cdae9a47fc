using CloudState.Knative.Calls;
using CloudState.Knative.Runtime;
using Google.Protobuf;

namespace CloudState.Knative.Routing;

/// <summary>A command that was sent over a link and waits for its outcome, which is null when the peer says that it is not the owner.</summary>
internal sealed class PeerCall(PeerLink link, ulong number, Command command, DateTimeOffset deadline)
    : TaskCompletionSource<CallOutcome?>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public ulong Number { get; } = number;

    public DateTimeOffset Deadline { get; } = deadline;

    public void Answer(PeerFrame outcome)
    {
        try
        {
            TrySetResult(ForwardedMessages.ToOutcome(outcome, command.Definition));
        }
        catch (InvalidProtocolBufferException unreadable)
        {
            TrySetException(unreadable);
        }
    }

    /// <summary>Stops waiting, and tells the peer to do the same.</summary>
    public void GiveUp(Exception reason) => link.GiveUp(this, reason);
}
