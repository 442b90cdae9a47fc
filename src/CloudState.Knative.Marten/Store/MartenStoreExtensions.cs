using System.Text.RegularExpressions;
using CloudState.Knative;
using CloudState.Knative.Hosting;
using CloudState.Knative.Marten;
using CloudState.Knative.Marten.Store;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the PostgreSQL store.</summary>
public static partial class MartenStoreExtensions
{
    /// <summary>
    /// Adds the PostgreSQL store, which is used when the connection string <c>CloudState</c> is configured. Its other settings come
    /// from the configuration section <c>CloudState:Marten</c>.
    /// </summary>
    public static CloudStateBuilder UseMarten(this CloudStateBuilder builder, Action<MartenStoreOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddStore(StoreRegistration.Postgres, (services, types) =>
        {
            var configuration = services.GetRequiredService<IConfiguration>();
            var section = configuration.GetSection("CloudState:Marten");
            var options = new MartenStoreOptions { ConnectionString = configuration.GetConnectionString(StoreSelection.ConnectionStringName) };
            options.SchemaName = section[nameof(options.SchemaName)] ?? options.SchemaName;
            options.MaxConcurrentAppends = section.GetValue(nameof(options.MaxConcurrentAppends), options.MaxConcurrentAppends);
            options.MaxConcurrentLoads = section.GetValue(nameof(options.MaxConcurrentLoads), options.MaxConcurrentLoads);
            configure?.Invoke(options);
            return new MartenEntityStore(Validated(options), services.GetRequiredService<IOptions<CloudStateOptions>>().Value.Cluster, types);
        });
    }

    private static MartenStoreOptions Validated(MartenStoreOptions options) => options switch
    {
        { MaxConcurrentAppends: < 1 or > 64 } => throw new InvalidOperationException($"CloudState:Marten:MaxConcurrentAppends is {options.MaxConcurrentAppends}; it must be from 1 to 64."),
        { MaxConcurrentLoads: < 1 or > 64 } => throw new InvalidOperationException($"CloudState:Marten:MaxConcurrentLoads is {options.MaxConcurrentLoads}; it must be from 1 to 64."),
        _ when !SchemaName().IsMatch(options.SchemaName) => throw new InvalidOperationException($"CloudState:Marten:SchemaName is '{options.SchemaName}'; it must match {SchemaName()}."),
        _ => options,
    };

    [GeneratedRegex("^[a-z_][a-z0-9_]*$")]
    private static partial Regex SchemaName();
}
