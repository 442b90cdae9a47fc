using Grpc.Core;

namespace CloudState.Knative.Eventing;

/// <summary>How an attempt to publish an event ended.</summary>
/// <param name="Status">OK when the event has been taken.</param>
/// <param name="RetryAfter">When the sink wants to see the event again at the earliest; null when it does not say.</param>
internal readonly record struct PublishResult(Status Status, TimeSpan? RetryAfter)
{
    public static PublishResult Failed(StatusCode code, string detail) => new(new Status(code, detail), null);
}
