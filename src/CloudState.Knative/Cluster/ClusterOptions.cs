namespace CloudState.Knative;

/// <summary>How pods that share a PostgreSQL database divide the entities among themselves. Without effect on the embedded store.</summary>
public sealed class ClusterOptions
{
    /// <summary>How long a pod owns its entities without renewing: the longest time after a crash until other pods take over.</summary>
    /// <value>Default: 5 seconds.</value>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often a pod renews its lease and looks at the ring, beside being told of changes.</summary>
    /// <value>Default: 1 second. The lease must outlast two renewals and the margin.</value>
    public TimeSpan Renewal { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How much earlier than its lease ends a pod stops answering from memory, on its own clock: what the clocks of pod and database may differ in rate meanwhile.</summary>
    /// <value>Default: 500 milliseconds.</value>
    public TimeSpan Margin { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Into how many parts the entities of a type are divided. Fixed once the first pod has joined.</summary>
    /// <value>Default: 256.</value>
    public int Slots { get; set; } = 256;

    /// <summary>How long another pod may take to accept a connection or to answer a ping, which one that is only slow does. After that its commands are sent again, to whoever owns the entity then.</summary>
    /// <value>Default: 2 seconds.</value>
    public TimeSpan ForwardTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The internal port, on which pods forward commands to each other. Not to be exposed.</summary>
    /// <value>Default: 8081 on Knative, elsewhere a free one, which is what 0 takes.</value>
    public int? Port { get; set; }

    /// <summary>Where the other pods reach the internal port: <c>host</c> or <c>host:port</c>.</summary>
    /// <value>Default: the first address of the machine that is not the loopback, and the internal port.</value>
    public string? Address { get; set; }
}
