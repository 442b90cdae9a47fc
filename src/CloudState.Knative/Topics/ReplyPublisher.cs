using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Topics;

/// <summary>Publishes the replies of rpcs of entities whose option says so: stored with the command, sent by the owner of the entity.</summary>
internal sealed class ReplyPublisher(TopicEvents topics) : IOutboxContributor
{
    public IEnumerable<OutboxEntry> EntriesOf(AcceptedCommand accepted)
    {
        var (id, command) = (Guid.CreateVersion7(), accepted.Command);
        return accepted.Reply is { } reply && command.Definition.OutTopic is { } topic
            && topics.OfReply(command.Definition.Rpc, topic, reply, OutboxEntry.CommandIdOf(id), command.Entity.Key, accepted.ReplyMetadata, command.Trace) is { } published
            ? [new OutboxEntry(id, command.Entity, accepted.SlotNumber, command.Definition.FullName, TopicEvents.ToStored(published, topic))]
            : [];
    }
}
