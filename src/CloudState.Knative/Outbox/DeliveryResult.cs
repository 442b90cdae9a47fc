using Grpc.Core;

namespace CloudState.Knative.Outbox;

/// <summary>How an attempt to deliver something ended.</summary>
/// <param name="Status">OK when it is delivered.</param>
/// <param name="RetryAfter">How long to wait before the next attempt at least; null when the receiver did not say.</param>
internal readonly record struct DeliveryResult(Status Status, TimeSpan? RetryAfter = null)
{
    /// <summary>Whether the receiver did not answer in time. It has not refused, and may be at work: another attempt is likely to be a duplicate.</summary>
    public bool IsTimeout { get; init; }

    public static DeliveryResult Delivered { get; } = new(Status.DefaultSuccess);

    public static DeliveryResult Failed(StatusCode code, string detail) => new(new Status(code, detail));
}
