using CloudState.Knative;
using CloudState.Knative.Hosting;
using CloudState.Knative.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the embedded store.</summary>
public static class SqliteStoreExtensions
{
    /// <summary>
    /// Adds the embedded SQLite store, which is used when no PostgreSQL connection string is configured, or when
    /// <c>CloudState:Store</c> is <c>embedded</c>. Its settings come from the configuration section <c>CloudState:Sqlite</c>.
    /// </summary>
    public static CloudStateBuilder UseSqlite(this CloudStateBuilder builder, Action<SqliteStoreOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddStore(StoreRegistration.Embedded, (services, types) =>
        {
            var options = new SqliteStoreOptions();
            services.GetRequiredService<IConfiguration>().GetSection("CloudState:Sqlite").Bind(options);
            configure?.Invoke(options);
            return new SqliteEntityStore(options, types, services.GetRequiredService<TimeProvider>());
        });
    }
}
