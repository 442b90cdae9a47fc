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

    /// <summary>
    /// What data of incoming events is that comes without a content type or as <c>application/octet-stream</c>, as records of Kafka without the header <c>content-type</c> do:
    /// <c>application/json</c> or <c>application/protobuf</c>.
    /// </summary>
    /// <value>Default: none; data without a content type is JSON, and bytes are taken by an rpc that takes a <c>google.protobuf.Any</c> only.</value>
    public string? IncomingContentType { get; set; }

    /// <summary>
    /// What incoming events are that have a type that no rpc takes, such as <c>dev.knative.kafka.event</c> of a KafkaSource: the full name of the input message of the rpc that takes them from the topic.
    /// </summary>
    /// <value>Default: none; such events go to the rpc of the topic that takes a <c>google.protobuf.Any</c>, and are rejected when there is none.</value>
    public string? EventType { get; set; }

    /// <summary>
    /// The attribute that says what an incoming event is, in the place of its type, when there is an rpc for that; for records that a KafkaSource sends with the header <c>type</c> it is <c>kafkaheadertype</c>.
    /// </summary>
    /// <value>Default: none.</value>
    public string? EventTypeAttribute { get; set; }
}
