using Marten;

namespace CloudState.Knative.Marten;

/// <summary>Where and how the PostgreSQL store keeps entities.</summary>
public sealed class MartenStoreOptions
{
    /// <summary>The Npgsql connection string of the database; its command timeout bounds every call.</summary>
    /// <value>Default: null. Unless it says otherwise, <c>Timeout=5; Command Timeout=10; Max Auto Prepare=50; Maximum Pool Size=16; No Reset On Close=true; GSS Encryption Mode=Disable</c> are added.</value>
    public string? ConnectionString { get; set; }

    /// <summary>The database schema of all tables.</summary>
    /// <value>Default: <c>public</c>, as in Marten.</value>
    public string SchemaName { get; set; } = "public";

    /// <summary>How many transactions that append may run at the same time, each on its own connection.</summary>
    /// <value>Default: 1. A second one hides the latency of a distant server, and costs larger batches.</value>
    public int MaxConcurrentAppends { get; set; } = 1;

    /// <summary>How many queries that load entities may run at the same time, each on its own connection. Each loads up to 32 entities.</summary>
    /// <value>Default: 4.</value>
    public int MaxConcurrentLoads { get; set; } = 4;

    /// <summary>Configures the Marten store further, for projections, upcasters, indexes or logging.</summary>
    /// <value>Default: null.</value>
    public Action<StoreOptions>? Configure { get; set; }

    /// <summary>
    /// Whether batches are appended by one statement over Marten's tables, which is several times as fast as a Marten session. Nothing that is configured for
    /// sessions takes part then: no inline projections, listeners, tags, tenancy or additional metadata. Async projections and subscriptions are not concerned.
    /// </summary>
    /// <value>Default: true unless <see cref="Configure"/> is set.</value>
    public bool? SetBasedAppend { get; set; }
}
