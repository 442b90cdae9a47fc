namespace CloudState.Knative;

/// <summary>The settings of a service; bound to the configuration section <c>CloudState</c>.</summary>
public sealed class CloudStateOptions
{
    /// <summary>Which store keeps the entities: <c>postgres</c> or <c>embedded</c>.</summary>
    /// <value>Default: <c>postgres</c> when there is a connection string named <c>CloudState</c>, else <c>embedded</c>; on Knative the latter must be set.</value>
    public string? Store { get; set; }

    /// <summary>Whether the schema is created or upgraded at start.</summary>
    /// <value>Default: in the Development environment, and always with the embedded store. Elsewhere run the service once with <c>--migrate</c>.</value>
    public bool? AutoMigrate { get; set; }

    /// <summary>How long a command may take when its call has no deadline.</summary>
    /// <value>Default: 30 seconds.</value>
    public TimeSpan CommandTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How many commands with an id are remembered per entity.</summary>
    /// <value>Default: 1,000.</value>
    public int MaxCommandIds { get; set; } = 1_000;

    /// <summary>How long a command with an id is remembered.</summary>
    /// <value>Default: 24 hours.</value>
    public TimeSpan CommandIdRetention { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How many commands go into one transaction at most.</summary>
    /// <value>Default: 256.</value>
    public int MaxBatchSize { get; set; } = 256;

    /// <summary>The largest request body, in bytes, at every edge.</summary>
    /// <value>Default: 4 MiB.</value>
    public int MaxRequestBodySize { get; set; } = 4 * 1024 * 1024;

    /// <summary>The longest entity key, in UTF-16 characters. Longer ones are INVALID_ARGUMENT.</summary>
    /// <value>Default: 512. PostgreSQL indexes at most about 2,700 bytes.</value>
    public int MaxKeyLength { get; set; } = 512;

    /// <summary>How long a new connection may take to show whether it speaks HTTP/1.1 or HTTP/2.</summary>
    /// <value>Default: 10 seconds.</value>
    public TimeSpan ProtocolDetectionTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long HTTP/1.1 connections without a request stay open once the service stops, for requests that are under way on them.</summary>
    /// <value>Default: 500 milliseconds.</value>
    public TimeSpan ShutdownKeepAlive { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How often a comment goes out on a stream of Server-Sent Events, so that proxies do not cut a quiet one and clients that are gone are noticed.</summary>
    /// <value>Default: 15 seconds.</value>
    public TimeSpan StreamKeepAlive { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Whether <c>/metrics</c> answers Prometheus.</summary>
    /// <value>Default: false.</value>
    public bool PrometheusEndpoint { get; set; }

    /// <summary>Whether gRPC server reflection is served.</summary>
    /// <value>Default: true.</value>
    public bool GrpcReflection { get; set; } = true;

    /// <summary>Whether clients see the text of unexpected exceptions.</summary>
    /// <value>Default: false; they see a trace id.</value>
    public bool EnableDetailedErrors { get; set; }

    /// <summary>How calls are made that handlers have asked for.</summary>
    public DeliveryOptions Delivery { get; set; } = new();

    /// <summary>How events are read from the journal and published.</summary>
    public EventingOptions Eventing { get; set; } = new();

    /// <summary>The topics of <c>cloudstate.eventing</c> by their names, as far as there is something to say of them.</summary>
    public Dictionary<string, TopicOptions> Topics { get; set; } = [];

    /// <summary>How pods share the entities.</summary>
    public ClusterOptions Cluster { get; set; } = new();

    /// <summary>Defaults for all entity types.</summary>
    public EntityOptions Entities { get; set; } = new();
}
