namespace CloudState.Knative.Eventing;

/// <summary>A topic: where the events go that are published to it, and how those are read that come from it.</summary>
public sealed class TopicOptions
{
    /// <summary>Where events of the topic are sent to: anything that takes CloudEvents over HTTP, such as a Knative broker or a KafkaSink.</summary>
    /// <value>Default: none; <c>K_SINK</c>, which a SinkBinding sets.</value>
    public string? Url { get; set; }

    /// <summary>How the data of published events is written: <c>application/json</c> or <c>application/protobuf</c>.</summary>
    /// <value>Default: <c>application/json</c>.</value>
    public string DataContentType { get; set; } = "application/json";

    /// <summary>What events of the topic are that have a type that no rpc takes, such as Kafka's <c>dev.knative.kafka.event</c>: the full name of the input message of the rpc for them.</summary>
    /// <value>Default: none; such events are rejected.</value>
    public string? EventType { get; set; }

    /// <summary>The attribute that says what an event of the topic is, in the place of its type; for a record of Kafka with the header <c>type</c> that is <c>kafkaheadertype</c>.</summary>
    /// <value>Default: none.</value>
    public string? EventTypeAttribute { get; set; }
}
