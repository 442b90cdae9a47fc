using CloudState.Knative.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Runs a service, or one of its start-up modes.</summary>
public static class CloudStateHostExtensions
{
    private const string Usage = """
        Options:
          --migrate     create or upgrade the schema of the store, and exit
          --schema-sql  print the statements that create the schema, and exit
        Without an option the service runs. Any other --key=value is configuration.
        """;

    /// <summary>Runs the service until it is told to stop; with <c>--migrate</c> or <c>--schema-sql</c> among the arguments it does that and returns.</summary>
    /// <returns>The exit code of the process: 0, or 1 when the store could not be migrated.</returns>
    public static async Task<int> RunCloudStateAsync(this WebApplication app, string[] args)
    {
        ArgumentNullException.ThrowIfNull(app);
        ArgumentNullException.ThrowIfNull(args);
        if (args.Contains("--help"))
        {
            Console.WriteLine(Usage);
            return 0;
        }

        if (args.Contains("--schema-sql"))
        {
            Console.WriteLine(app.Services.GetRequiredService<IEntityStore>().SchemaScript());
            return 0;
        }

        if (args.Contains("--migrate"))
        {
            return await MigrateAsync(app);
        }

        await app.RunAsync();
        return 0;
    }

    private static async Task<int> MigrateAsync(WebApplication app)
    {
        await using (app)
        {
            try
            {
                await app.Services.GetRequiredService<IEntityStore>().MigrateAsync(CancellationToken.None);
                Console.WriteLine("The schema is up to date.");
                return 0;
            }
            catch (StoreUnavailableException unavailable)
            {
                Console.Error.WriteLine($"The schema could not be migrated: {unavailable.Message}");
                return 1;
            }
        }
    }
}
