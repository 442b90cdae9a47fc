using CloudState.Knative.Entities;

namespace CloudState.Knative.Journal;

/// <summary>All who get events of entities of this service: consumers, and topics that a whole journal is published to.</summary>
internal sealed class JournalSubscriptions(EventConsumers consumers, EntityDefinitions entities, SubscriptionFactory deliveries)
{
    public IReadOnlyList<JournalSubscription> All { get; } =
    [
        .. consumers.All.Select(deliveries.Subscribe),
        .. from entity in entities.All
           let topic = entity.Attribute.PublishTopic
           where topic is not null
           select deliveries.Publish(entity.EntityType, topic),
    ];

    /// <summary>Null when there is none of the name.</summary>
    public JournalSubscription? Find(string name) => All.FirstOrDefault(subscription => subscription.Name == name);
}
