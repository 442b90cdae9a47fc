using CloudState.Knative.Outbox;

namespace CloudState.Knative.Topics;

/// <summary>In tests, events of all topics are collected instead of sent.</summary>
/// <param name="add">Takes an event of a topic.</param>
internal sealed class CollectedEvents(Action<string, OutgoingEvent> add)
{
    public DeliveryResult Collect(string topic, OutgoingEvent published)
    {
        add(topic, published);
        return DeliveryResult.Delivered;
    }
}
