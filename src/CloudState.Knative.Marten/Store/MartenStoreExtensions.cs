using CloudState.Knative;
using CloudState.Knative.Hosting;
using CloudState.Knative.Marten;
using CloudState.Knative.Marten.Store;
using CloudState.Knative.Settings;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the PostgreSQL store.</summary>
public static class MartenStoreExtensions
{
    /// <summary>
    /// Adds the PostgreSQL store, which is used when the connection string <c>CloudState</c> is configured. Its other settings come
    /// from the configuration section <c>CloudState:Marten</c>.
    /// </summary>
    /// <param name="builder">What <c>builder.AddCloudState()</c> returns.</param>
    /// <param name="configure">Changes the options after the configuration was read.</param>
    /// <exception cref="OptionsValidationException">
    /// An option is out of its range. Thrown when the service starts and only if it uses this store.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// There is no connection string, or it cannot be read. Thrown when the service starts and only if it uses this store.
    /// </exception>
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
            new MartenStoreOptionsValidator().Check("CloudState:Marten", options);
            return new MartenEntityStore(options, services.GetRequiredService<IOptions<CloudStateOptions>>().Value.Cluster, types);
        });
    }
}
