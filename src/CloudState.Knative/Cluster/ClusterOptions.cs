using CloudState.Knative.Settings;

namespace CloudState.Knative;

/// <summary>How pods that share a PostgreSQL database divide the entities among themselves. Without effect on the embedded store.</summary>
public sealed class ClusterOptions
{
    /// <summary>How long a pod owns its entities without renewing: the longest time after a crash until other pods take over.</summary>
    /// <value>From 10 milliseconds to 12 hours, and longer than two renewals and the margin. Default: 5 seconds.</value>
    [Duration(DurationAttribute.Tick, DurationAttribute.HalfADay)]
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often a pod renews its lease and checks the cluster, beside being told of changes.</summary>
    /// <value>From 10 milliseconds to 12 hours. Default: 1 second. The lease must outlast two renewals and the margin.</value>
    [Duration(DurationAttribute.Tick, DurationAttribute.HalfADay)]
    public TimeSpan Renewal { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How much earlier than its lease ends a pod stops answering from memory, on its own clock: the safety margin for the drift between the clocks
    /// of pod and database over one lease.
    /// </summary>
    /// <value>From 10 milliseconds to 12 hours. Default: 500 milliseconds.</value>
    [Duration(DurationAttribute.Tick, DurationAttribute.HalfADay)]
    public TimeSpan Margin { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Into how many parts the entities of a type are divided. Fixed once the first pod has joined.</summary>
    /// <value>From 1 to 65,536. Default: 256.</value>
    [Number(1, 65_536)]
    public int Slots { get; set; } = 256;

    /// <summary>
    /// Time without a frame, or to accept a connection, after which a peer is considered unreachable; slow peers still answer pings. Its commands are
    /// then sent again, to the owner of the entity at that time.
    /// </summary>
    /// <value>From 2 seconds to 1 minute. Default: 2 seconds.</value>
    [Duration("00:00:02", "00:01:00")]
    public TimeSpan ForwardTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The internal port, on which pods forward commands to each other. Not to be exposed.</summary>
    /// <value>From 0 to 65535. Default: null; 8081 on Knative, elsewhere a free one, which is what 0 takes.</value>
    [Number(0, 65_535, Format = "0")]
    public int? Port { get; set; }

    /// <summary>Where the other pods reach the internal port: <c>host</c> or <c>host:port</c>.</summary>
    /// <value>Default: null; the first address of the machine that is not the loopback, and the internal port.</value>
    [Text(TextForm.HostAndPort, MayBeEmpty = true)]
    public string? Address { get; set; }
}
