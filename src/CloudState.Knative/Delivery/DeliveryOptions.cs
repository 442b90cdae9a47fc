using CloudState.Knative.Settings;

namespace CloudState.Knative;

/// <summary>How stored calls, timers and events are delivered.</summary>
public sealed class DeliveryOptions
{
    /// <summary>
    /// How many stored effects, how many timers, and how many events of each consumer and each topic are delivered at the same time.
    /// </summary>
    /// <value>At least 1. Default: 64.</value>
    [Number(1)]
    public int MaxConcurrent { get; set; } = 64;

    /// <summary>
    /// How often something is delivered whose handler fails unexpectedly (INTERNAL, UNKNOWN) before it is parked. An unreachable target is retried
    /// without end; what is rejected is tried once.
    /// </summary>
    /// <value>At least 1. Default: 10.</value>
    [Number(1)]
    public int MaxAttempts { get; set; } = 10;

    /// <summary>
    /// By how much a timer may be late on purpose, at random, so that those that are due at the same moment do not all fire at once.
    /// </summary>
    /// <value>From 0 to 1 minute. Default: 50 milliseconds.</value>
    [Duration("00:00:00", "00:01:00")]
    public TimeSpan TimerJitter { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// How long a process that is told to stop goes on delivering, when no other one is there to take over and as long as something gets through.
    /// What is left then stays stored for the next one.
    /// </summary>
    /// <value>From 0 to 10 minutes. Default: 10 seconds.</value>
    [Duration("00:00:00", "00:10:00")]
    public TimeSpan ShutdownDelivery { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long <c>POST /cloudstate/wake</c> stays open at most while there is something to deliver.</summary>
    /// <value>From 10 milliseconds to 10 minutes. Default: 30 seconds.</value>
    [Duration(DurationAttribute.Tick, "00:10:00")]
    public TimeSpan WakeTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How many deliveries may be pending in a process that says it is ready.</summary>
    /// <value>At least 1. Default: null, any number.</value>
    [Number(1)]
    public int? MaxBacklog { get; set; }

    /// <summary>The pause before the second attempt; it doubles with each.</summary>
    /// <value>From 10 milliseconds to 12 hours. Default: 100 milliseconds.</value>
    [Duration(DurationAttribute.Tick, DurationAttribute.HalfADay)]
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest pause between attempts.</summary>
    /// <value>From 10 milliseconds to 12 hours. Default: 30 seconds.</value>
    [Duration(DurationAttribute.Tick, DurationAttribute.HalfADay)]
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The longest pause after attempts to publish an event that got no answer in time: the broker may be at work on it. The first pause is as long as
    /// the attempt was; it doubles with each.
    /// </summary>
    /// <value>From 10 milliseconds to 12 hours. Default: 1 hour.</value>
    [Duration(DurationAttribute.Tick, DurationAttribute.HalfADay)]
    public TimeSpan MaxTimeoutDelay { get; set; } = TimeSpan.FromHours(1);
}
