using CloudState.Knative.Settings;

namespace CloudState.Knative;

/// <summary>How events are read from the journal and published.</summary>
public sealed class EventingOptions
{
    /// <summary>What the service is called in the sources of its events, <c>/{service}/{entity type}</c>.</summary>
    /// <value>A name without spaces. Default: the name of the Knative service (<c>K_SERVICE</c>), elsewhere that of the application.</value>
    [Text(TextForm.Word, MayBeEmpty = true)]
    public string? ServiceName { get; set; }

    /// <summary>How many events a consumer of the journal has read and not yet delivered at most.</summary>
    /// <value>At least 1. Default: 1,000.</value>
    [Number(1)]
    public int MaxInFlight { get; set; } = 1_000;

    /// <summary>
    /// How often the position of a consumer is stored. What was delivered since then is delivered again when the process is killed.
    /// </summary>
    /// <value>From 10 milliseconds to 12 hours. Default: 1 second.</value>
    [Duration(DurationAttribute.Tick, DurationAttribute.HalfADay)]
    public TimeSpan SaveInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a request stays open whose event is held back (<see cref="TopicOptions.InOrder"/>). Then it is answered with 409, after which the
    /// event is to be delivered again.
    /// </summary>
    /// <value>From 10 milliseconds to 10 minutes. Default: 5 seconds.</value>
    [Duration(DurationAttribute.Tick, "00:10:00")]
    public TimeSpan OutOfOrderWait { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How many such requests a process keeps open at most. More of them are answered at once.</summary>
    /// <value>At least 1. Default: 100.</value>
    [Number(1)]
    public int MaxOutOfOrderWaits { get; set; } = 100;

    /// <summary>How many events of one batch are handled at the same time; those of one key never are.</summary>
    /// <value>At least 1. Default: 64.</value>
    [Number(1)]
    public int MaxConcurrentEvents { get; set; } = 64;

    /// <summary>
    /// How long one attempt to publish an event may take. Some brokers answer only when all of their triggers have taken the event or given up: an
    /// attempt that ends before is a duplicate.
    /// </summary>
    /// <value>From 10 milliseconds to 12 hours. Default: 5 minutes.</value>
    [Duration(DurationAttribute.Tick, DurationAttribute.HalfADay)]
    public TimeSpan PublishTimeout { get; set; } = TimeSpan.FromMinutes(5);
}
