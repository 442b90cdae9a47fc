namespace CloudState.Knative;

/// <summary>How events are read from the journal and published.</summary>
public sealed class EventingOptions
{
    /// <summary>What the service is called in the sources of its events, <c>/{service}/{entity type}</c>.</summary>
    /// <value>Default: the name of the Knative service (<c>K_SERVICE</c>), elsewhere that of the application.</value>
    public string? ServiceName { get; set; }

    /// <summary>How many events a consumer of the journal has read and not yet delivered at most.</summary>
    /// <value>Default: 1,000.</value>
    public int MaxInFlight { get; set; } = 1_000;

    /// <summary>How often the journal is looked at for events that this process has not stored itself.</summary>
    /// <value>Default: 5 seconds.</value>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often it is stored how far a consumer has come. What was delivered since then is delivered again when the process is killed.</summary>
    /// <value>Default: 1 second.</value>
    public TimeSpan SaveInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a request stays open whose event is held back (<see cref="TopicOptions.InOrder"/>). Then it is answered with 409, after which the event is to be delivered again.</summary>
    /// <value>Default: 5 seconds.</value>
    public TimeSpan OutOfOrderWait { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How many such requests a process keeps open at most. More of them are answered at once.</summary>
    /// <value>Default: 100.</value>
    public int MaxOutOfOrderWaits { get; set; } = 100;

    /// <summary>How long one attempt to publish an event may take.</summary>
    /// <value>Default: 10 seconds.</value>
    public TimeSpan PublishTimeout { get; set; } = TimeSpan.FromSeconds(10);
}
