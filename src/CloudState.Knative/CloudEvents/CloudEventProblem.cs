using System.Text.Json.Serialization;

namespace CloudState.Knative.CloudEvents;

/// <summary>Why an event was not taken (RFC 9457).</summary>
internal sealed record CloudEventProblem(int Status, string Detail);

[JsonSerializable(typeof(CloudEventProblem))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class CloudEventJson : JsonSerializerContext;
