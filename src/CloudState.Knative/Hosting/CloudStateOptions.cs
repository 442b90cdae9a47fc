using System.ComponentModel.DataAnnotations;
using CloudState.Knative.Hosting;
using CloudState.Knative.Settings;
using Microsoft.Extensions.Options;

namespace CloudState.Knative;

/// <summary>The settings of a service; bound to the configuration section <c>CloudState</c>.</summary>
public sealed class CloudStateOptions
{
    /// <summary>Which store keeps the entities: <c>postgres</c> or <c>embedded</c>.</summary>
    /// <value>
    /// Default: <c>postgres</c> when there is a connection string named <c>CloudState</c>, else <c>embedded</c>; on Knative the latter must be set.
    /// </value>
    [Text(TextForm.Word)]
    public string? Store { get; set; }

    /// <summary>Whether the schema is created or upgraded at start.</summary>
    /// <value>
    /// Default: in the Development environment, and always with the embedded store. Elsewhere run the service once with <c>--migrate</c>.
    /// </value>
    public bool? AutoMigrate { get; set; }

    /// <summary>How long <c>--migrate</c> waits for a store that cannot be reached. A store that refuses the service is not waited for.</summary>
    /// <value>From 0 to 12 hours. Default: 3 minutes.</value>
    [Duration("00:00:00", DurationAttribute.HalfADay)]
    public TimeSpan MigrateTimeout { get; set; } = TimeSpan.FromMinutes(3);

    /// <summary>How long a command may take when its call has no deadline.</summary>
    /// <value>From 10 milliseconds to 12 hours. Default: 30 seconds.</value>
    [Duration(DurationAttribute.Tick, DurationAttribute.HalfADay)]
    public TimeSpan CommandTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a chain of forwards and effects may get, each made for the one before it. A longer one, such as a loop, ends with
    /// FAILED_PRECONDITION.
    /// </summary>
    /// <value>Calls, at least 1. Default: 32.</value>
    [Number(1)]
    public int MaxCallDepth { get; set; } = 32;

    /// <summary>The longest command id: an Idempotency-Key, or source and id of a CloudEvent together. Longer ones are INVALID_ARGUMENT.</summary>
    /// <value>UTF-16 characters, at least 1. Default: 1,024. PostgreSQL indexes at most about 2,700 bytes, together with the entity type and the key.</value>
    [Number(1)]
    public int MaxCommandIdLength { get; set; } = 1_024;

    /// <summary>How many commands with an id are remembered per entity.</summary>
    /// <value>At least 1. Default: 1,000.</value>
    [Number(1)]
    public int MaxCommandIds { get; set; } = 1_000;

    /// <summary>How long a command with an id is remembered.</summary>
    /// <value>From 10 milliseconds to 365 days. Default: 24 hours.</value>
    [Duration(DurationAttribute.Tick, DurationAttribute.Year)]
    public TimeSpan CommandIdRetention { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How many commands go into one transaction at most.</summary>
    /// <value>At least 1. Default: 256.</value>
    [Number(1)]
    public int MaxBatchSize { get; set; } = 256;

    /// <summary>The largest request body, in bytes, at every edge. A process with little memory takes at most a 32nd of that.</summary>
    /// <value>Bytes, at least 1. Default: 4 MiB.</value>
    [Number(1)]
    public int MaxRequestBodySize { get; set; } = 4 * 1024 * 1024;

    /// <summary>How much memory the process may use, in megabytes.</summary>
    /// <value>At least 16. Default: null, what .NET may use: its heap limit, the memory of the container or that of the machine.</value>
    [Number(16)]
    public int? MemoryLimit { get; set; }

    /// <summary>
    /// The part of the memory beyond which new work is refused, with 503 or RESOURCE_EXHAUSTED, and entities leave memory, those first that were never
    /// written. Such a process is not ready.
    /// </summary>
    /// <value>Percent, from 10 to 95. Default: 75.</value>
    [Number(10, 95)]
    public int MaxMemoryLoad { get; set; } = 75;

    /// <summary>The longest entity key, in UTF-16 characters. Longer ones are INVALID_ARGUMENT.</summary>
    /// <value>Characters, at least 1. Default: 512. PostgreSQL indexes at most about 2,700 bytes.</value>
    [Number(1)]
    public int MaxKeyLength { get; set; } = 512;

    /// <summary>How long a new connection may take to show whether it speaks HTTP/1.1 or HTTP/2.</summary>
    /// <value>From 10 milliseconds to 12 hours. Default: 10 seconds.</value>
    [Duration(DurationAttribute.Tick, DurationAttribute.HalfADay)]
    public TimeSpan ProtocolDetectionTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How many connections the port has at most, and the internal port likewise. Further ones are closed at once. Those from the same machine, as
    /// queue-proxy's are, have a tenth more.
    /// </summary>
    /// <value>At least 1. Default: 10,000.</value>
    [Number(1)]
    public int MaxConnections { get; set; } = 10_000;

    /// <summary>After which silence a ping goes out on a connection of HTTP/2, so that clients that vanished are noticed and their streams end.</summary>
    /// <value>From 1 second to 12 hours. Default: 30 seconds.</value>
    [Duration("00:00:01", DurationAttribute.HalfADay)]
    public TimeSpan KeepAlivePingDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the answer to such a ping may take before the connection is closed.</summary>
    /// <value>From 1 second to 12 hours. Default: 20 seconds.</value>
    [Duration("00:00:01", DurationAttribute.HalfADay)]
    public TimeSpan KeepAlivePingTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>How long HTTP/1.1 connections without a request stay open once the service stops, for requests that are under way on them.</summary>
    /// <value>From 10 milliseconds to 10 minutes. Default: 500 milliseconds.</value>
    [Duration(DurationAttribute.Tick, "00:10:00")]
    public TimeSpan ShutdownKeepAlive { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// How often a comment goes out on a stream of Server-Sent Events, so that proxies do not cut a quiet one and clients that are gone are noticed.
    /// </summary>
    /// <value>From 10 milliseconds to 12 hours. Default: 15 seconds.</value>
    [Duration(DurationAttribute.Tick, DurationAttribute.HalfADay)]
    public TimeSpan StreamKeepAlive { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Whether gRPC server reflection is served.</summary>
    /// <value>Default: true.</value>
    public bool GrpcReflection { get; set; } = true;

    /// <summary>Whether clients see the text of unexpected exceptions.</summary>
    /// <value>Default: false; they see a trace id.</value>
    public bool EnableDetailedErrors { get; set; }

    /// <summary>How stored calls, timers and events are delivered.</summary>
    [Required]
    [ValidateObjectMembers]
    public DeliveryOptions Delivery { get; set; } = new();

    /// <summary>How events are read from the journal and published.</summary>
    [Required]
    [ValidateObjectMembers]
    public EventingOptions Eventing { get; set; } = new();

    /// <summary>Settings of the topics of <c>cloudstate.eventing</c> by their names; topics without an entry use the defaults.</summary>
    [Required]
    public Dictionary<string, TopicOptions> Topics { get; set; } = [];

    /// <summary>How pods share the entities.</summary>
    [Required]
    [ValidateObjectMembers]
    public ClusterOptions Cluster { get; set; } = new();

    /// <summary>How replicas learn from each other.</summary>
    [Required]
    [ValidateObjectMembers]
    public CrdtOptions Crdt { get; set; } = new();

    /// <summary>Defaults for all entity types.</summary>
    [Required]
    [ValidateObjectMembers(typeof(EntityOptionsValidator))]
    public EntityOptions Entities { get; set; } = new();
}
