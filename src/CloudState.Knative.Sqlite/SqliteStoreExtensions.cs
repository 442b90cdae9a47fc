using CloudState.Knative;
using CloudState.Knative.Settings;
using CloudState.Knative.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the embedded store.</summary>
public static class SqliteStoreExtensions
{
    /// <summary>
    /// Adds the embedded SQLite store, which is used when no PostgreSQL connection string is configured, or when
    /// <c>CloudState:Store</c> is <c>embedded</c>. Its settings come from the configuration section <c>CloudState:Sqlite</c>.
    /// </summary>
    /// <param name="builder">What <c>builder.AddCloudState()</c> returns.</param>
    /// <param name="configure">Changes the options after the configuration was read.</param>
    /// <exception cref="OptionsValidationException">
    /// An option is out of its range. Thrown when the service starts and only if it uses this store.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// The file cannot be written, or another process uses it. Thrown when the service starts and only if it uses this store.
    /// </exception>
    public static CloudStateBuilder UseSqlite(this CloudStateBuilder builder, Action<SqliteStoreOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddStore(StoreRegistration.Embedded, (services, types) =>
        {
            var options = new SqliteStoreOptions();
            services.GetRequiredService<IConfiguration>().GetSection("CloudState:Sqlite").Bind(options);
            configure?.Invoke(options);
            new SqliteStoreOptionsValidator().Check("CloudState:Sqlite", options);
            return new SqliteEntityStore(options, types, services.GetRequiredService<TimeProvider>());
        });
    }
}
