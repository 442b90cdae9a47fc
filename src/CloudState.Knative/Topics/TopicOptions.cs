using CloudState.Knative.Settings;

namespace CloudState.Knative;

/// <summary>A topic: where the events go that are published to it, and how those are read that come from it.</summary>
public sealed class TopicOptions
{
    /// <summary>Where events of the topic are sent to: anything that takes CloudEvents over HTTP, such as a Knative broker or a KafkaSink.</summary>
    /// <value>An absolute address, http or https. Default: null; <c>K_SINK</c>, which a SinkBinding sets.</value>
    [Text(TextForm.HttpAddress, MayBeEmpty = true)]
    public string? Url { get; set; }

    /// <summary>How the data of published events is written: <c>application/json</c> or <c>application/protobuf</c>.</summary>
    /// <value>Default: <c>application/json</c>.</value>
    [Text(TextForm.Any, IsRequired = true)]
    public string DataContentType { get; set; } = "application/json";

    /// <summary>
    /// Whether incoming events of one key are applied in the order of their <see cref="SequenceAttribute"/>, whatever the order in which they come:
    /// one that comes too early is held back until its predecessor was there. The key is the attribute <c>partitionkey</c>, or else the subject;
    /// all events of a key have to go to the same entity.
    /// </summary>
    /// <value>Default: false; in the order in which they come.</value>
    public bool InOrder { get; set; }

    /// <summary>
    /// The attribute with the number of an event among those of its key: the first one is 1, each following one by 1 higher. Events without it are
    /// not held back.
    /// </summary>
    /// <value>Letters a to z and digits. Default: <c>sequence</c>, which the events of journals have.</value>
    [Text(TextForm.EventAttribute, IsRequired = true)]
    public string SequenceAttribute { get; set; } = "sequence";

    /// <summary>
    /// How long an event is held back at most. Then its predecessors count as lost, and it is applied; should they come after all, they are applied
    /// late.
    /// </summary>
    /// <value>From 10 milliseconds to 365 days. Default: 5 minutes, longer than brokers usually go on with their retries.</value>
    [Duration(DurationAttribute.Tick, DurationAttribute.Year)]
    public TimeSpan OutOfOrderLimit { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// What data of incoming events is that comes without a content type or as <c>application/octet-stream</c>, as records of Kafka without the
    /// header <c>content-type</c> do: <c>application/json</c> or <c>application/protobuf</c>.
    /// </summary>
    /// <value>
    /// Default: null; data without a content type is JSON, and bytes are taken by an rpc that takes a <c>google.protobuf.Any</c> only.
    /// </value>
    [Text(TextForm.Any)]
    public string? IncomingContentType { get; set; }

    /// <summary>
    /// What incoming events are that have a type that no rpc takes, such as <c>dev.knative.kafka.event</c> of a KafkaSource: the full name of the
    /// input message of the rpc that takes them from the topic.
    /// </summary>
    /// <value>
    /// Default: null; such events go to the rpc of the topic that takes a <c>google.protobuf.Any</c>, and are rejected when there is none.
    /// </value>
    [Text(TextForm.Word, MayBeEmpty = true)]
    public string? EventType { get; set; }

    /// <summary>
    /// The attribute that says what an incoming event is, in the place of its type, when there is an rpc for that; for records that a KafkaSource
    /// sends with the header <c>type</c> it is <c>kafkaheadertype</c>.
    /// </summary>
    /// <value>Letters a to z and digits. Default: null.</value>
    [Text(TextForm.EventAttribute, MayBeEmpty = true)]
    public string? EventTypeAttribute { get; set; }
}
