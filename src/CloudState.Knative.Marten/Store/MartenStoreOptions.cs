using CloudState.Knative.Settings;
using Marten;
using Microsoft.Extensions.Options;

namespace CloudState.Knative.Marten;

/// <summary>Where and how the PostgreSQL store keeps entities.</summary>
public sealed class MartenStoreOptions
{
    /// <summary>The Npgsql connection string of the database; its command timeout bounds every call.</summary>
    /// <value>
    /// Default: null. Unless it says otherwise, <c>Timeout=5; Command Timeout=10; Max Auto Prepare=50; Maximum Pool Size=16; No Reset On Close=true;
    /// GSS Encryption Mode=Disable</c> are added.
    /// </value>
    [Text(TextForm.Secret, MayBeEmpty = true)]
    public string? ConnectionString { get; set; }

    /// <summary>The database schema of all tables.</summary>
    /// <value>At most 63 of the letters a to z, digits and _, not beginning with a digit. Default: <c>public</c>, as in Marten.</value>
    [Text(TextForm.SqlName, IsRequired = true)]
    public string SchemaName { get; set; } = "public";

    /// <summary>How many transactions that append may run at the same time, each on its own connection.</summary>
    /// <value>From 1 to 64. Default: 1. A second one hides the latency of a distant server, and costs larger batches.</value>
    [Number(1, 64)]
    public int MaxConcurrentAppends { get; set; } = 1;

    /// <summary>How many queries that load entities may run at the same time, each on its own connection. Each loads up to 32 entities.</summary>
    /// <value>From 1 to 64. Default: 4.</value>
    [Number(1, 64)]
    public int MaxConcurrentLoads { get; set; } = 4;

    /// <summary>Configures the Marten store further, for projections, upcasters, indexes or logging.</summary>
    /// <value>Default: null.</value>
    public Action<StoreOptions>? Configure { get; set; }

    /// <summary>
    /// Whether batches are appended through Marten sessions, so that everything that is configured for sessions takes part: inline projections,
    /// listeners, tags, tenancy, additional metadata. Otherwise one statement over Marten's tables does it, which is several times as fast; async
    /// projections and subscriptions work with both.
    /// </summary>
    /// <value>Default: null, true if <see cref="Configure"/> is set and else false.</value>
    public bool? UseMartenSessions { get; set; }
}

/// <summary>Checks the ranges of the options.</summary>
[OptionsValidator]
internal sealed partial class MartenStoreOptionsValidator : IValidateOptions<MartenStoreOptions>;
