using CloudState.Knative.Storage;
using Google.Protobuf;

namespace CloudState.Knative.Runtime;

/// <summary>Adds to the outbox what a command of an entity leads to beside the calls that its handler has requested. Stored in the transaction of the command.</summary>
internal interface IOutboxContributor
{
    IEnumerable<OutboxEntry> EntriesOf(AcceptedCommand accepted);
}

/// <summary>A command that its handler has accepted.</summary>
/// <param name="Command">The command.</param>
/// <param name="SlotNumber">The slot of its entity.</param>
/// <param name="Reply">Its reply; null if another rpc gives that.</param>
/// <param name="ReplyMetadata">What goes out with the reply; null if nothing does.</param>
/// <param name="Change">What it has changed.</param>
internal sealed record AcceptedCommand(
    Command Command, int SlotNumber, IMessage? Reply, IReadOnlyList<KeyValuePair<string, string>>? ReplyMetadata, StateChange Change);
