using Microsoft.Extensions.Configuration;

namespace CloudState.Knative.Hosting;

/// <summary>Decides which store a service uses.</summary>
internal static class StoreSelection
{
    public const string ConnectionStringName = "CloudState";

    /// <exception cref="InvalidOperationException">No store can be chosen; the message names the setting.</exception>
    public static StoreRegistration Select(IEnumerable<StoreRegistration> registered, CloudStateOptions options, IConfiguration configuration)
    {
        var byName = registered.ToDictionary(store => store.Name, StringComparer.OrdinalIgnoreCase);
        if (byName.Count == 0)
        {
            throw new InvalidOperationException("No store is registered. Call .UseMarten() or .UseSqlite() on what builder.AddCloudState() returns.");
        }

        var name = options.Store ?? DefaultName(byName, configuration);
        return byName.TryGetValue(name, out var store)
            ? store
            : throw new InvalidOperationException(
                $"The store '{name}' is not registered; there is: {string.Join(", ", byName.Keys.Order())}. " +
                "Change CloudState:Store, or call .UseMarten() (postgres) or .UseSqlite() (embedded).");
    }

    private static string DefaultName(Dictionary<string, StoreRegistration> registered, IConfiguration configuration)
    {
        if (!string.IsNullOrWhiteSpace(configuration.GetConnectionString(ConnectionStringName)))
        {
            return StoreRegistration.Postgres;
        }

        if (!string.IsNullOrEmpty(configuration["K_SERVICE"]))
        {
            throw new InvalidOperationException(
                "There is no PostgreSQL connection string. On Knative a pod's disk is not durable, so the embedded store is not chosen by itself. " +
                "Set ConnectionStrings__CloudState (Host=…;Database=…;Username=…;Password=…), " +
                "or CloudState__Store=embedded to accept that all state is lost with the pod.");
        }

        return registered.ContainsKey(StoreRegistration.Embedded)
            ? StoreRegistration.Embedded
            : throw new InvalidOperationException(
                "There is no PostgreSQL connection string. Set ConnectionStrings__CloudState, or call .UseSqlite() for the embedded store.");
    }
}

/// <summary>The store of this process.</summary>
internal sealed record SelectedStore(StoreRegistration Registration);
