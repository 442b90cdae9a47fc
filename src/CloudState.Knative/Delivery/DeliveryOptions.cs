namespace CloudState.Knative;

/// <summary>How calls are made that handlers have asked for.</summary>
public sealed class DeliveryOptions
{
    /// <summary>How long a chain of forwards and effects, each asked for by the one before it, may get. A longer one, such as a loop, ends with FAILED_PRECONDITION.</summary>
    /// <value>Default: 32.</value>
    public int MaxDepth { get; set; } = 32;

    /// <summary>How many stored effects, how many timers, and how many events of each consumer and each topic are delivered at the same time.</summary>
    /// <value>Default: 64.</value>
    public int MaxConcurrent { get; set; } = 64;

    /// <summary>How often something is delivered whose handler fails unexpectedly (INTERNAL, UNKNOWN) before it is parked. What nobody can be reached for is tried without end; what is rejected, once.</summary>
    /// <value>Default: 10.</value>
    public int MaxAttempts { get; set; } = 10;

    /// <summary>By how much a timer may be late on purpose, at random, so that those that are due at the same moment do not all fire at once.</summary>
    /// <value>Default: 50 milliseconds.</value>
    public TimeSpan TimerJitter { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How long a process that is told to stop goes on delivering, when no other one is there to take over and as long as something gets through. What is left then stays stored for the next one.</summary>
    /// <value>Default: 10 seconds.</value>
    public TimeSpan ShutdownDelivery { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long <c>POST /cloudstate/wake</c> stays open at most while there is something to deliver.</summary>
    /// <value>Default: 30 seconds.</value>
    public TimeSpan WakeTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How much may wait to be delivered in a process that says it is ready.</summary>
    /// <value>Default: none, any number.</value>
    public int? MaxBacklog { get; set; }

    /// <summary>The pause before the second attempt; it doubles with each.</summary>
    /// <value>Default: 100 milliseconds.</value>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest pause between attempts.</summary>
    /// <value>Default: 30 seconds.</value>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(30);
}
