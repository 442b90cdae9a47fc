using CloudNative.CloudEvents;

namespace CloudState.Knative.CloudEvents;

/// <summary>
/// What Knative's KafkaSource makes of a record that is no CloudEvent: an event with the record's key as the attribute <c>key</c>, if it has one, its headers as <c>kafkaheader{name}</c>, and where it was
/// read as subject and id, <c>partition:0#7</c> and <c>partition:0/offset:7</c>.
/// </summary>
internal static class KafkaRecord
{
    private const string Type = "dev.knative.kafka.event";
    private const string Key = "key";

    public static bool Is(CloudEvent cloudEvent) => cloudEvent.Type == Type;

    /// <summary>The attribute that names the entity, and its value. It is never where the record was read.</summary>
    public static (string Attribute, string? Value) KeyOf(CloudEvent cloudEvent) =>
        cloudEvent[Key] as string is { Length: > 0 } key ? (Key, key)
        : cloudEvent.Subject?.StartsWith("partition:", StringComparison.Ordinal) == true ? ("subject", null)
        : ("subject", cloudEvent.Subject);
}
