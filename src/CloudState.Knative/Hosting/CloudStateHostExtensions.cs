using CloudState.Knative;
using CloudState.Knative.Hosting;
using CloudState.Knative.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Runs a service, or one of its start-up modes.</summary>
public static class CloudStateHostExtensions
{
    private const string Usage = """
        Options:
          --migrate     wait for the store, create or upgrade its schema, and exit
          --schema-sql  print the statements that create the schema, and exit
          --grants ROLE print the statements that give a database role what the service needs, and exit
          --help        print this, and exit
        Without an option the service runs. Any other --key=value is configuration.
        """;

    /// <summary>
    /// Runs the service until it is told to stop; with <c>--migrate</c>, <c>--schema-sql</c> or <c>--grants</c> among the arguments it does that and returns. The
    /// process is told on stderr what keeps it from starting.
    /// </summary>
    /// <param name="app">The application.</param>
    /// <param name="args">The arguments of the process.</param>
    /// <returns>
    /// The exit code of the process: 0, or 1 when the service could not start or was ended by a failure, or the store could not be migrated.
    /// </returns>
    /// <exception cref="InvalidOperationException"><c>AddCloudState</c> was not called.</exception>
    public static async Task<int> RunCloudStateAsync(this WebApplication app, string[] args)
    {
        ArgumentNullException.ThrowIfNull(app);
        ArgumentNullException.ThrowIfNull(args);
        var failures = app.Services.GetService<StartFailures>() ?? throw CloudStateExtensions.NotAdded();
        try
        {
            return await RunAsync(app, args, failures);
        }
        catch (Exception failure) when (failures.IsOwnProcess)
        {
            Console.Error.WriteLine(StartFailures.Describe(failure));
            await app.DisposeAsync();
            return Environment.ExitCode = 1;
        }
    }

    private static async Task<int> RunAsync(WebApplication app, string[] args, StartFailures failures)
    {
        if (args.Contains("--help"))
        {
            Console.WriteLine(Usage);
            return 0;
        }

        try
        {
            if (args.Contains("--schema-sql"))
            {
                Console.WriteLine(app.Services.GetRequiredService<IEntityStore>().SchemaScript());
                return 0;
            }

            if (Array.IndexOf(args, "--grants") is >= 0 and var at)
            {
                var role = args.ElementAtOrDefault(at + 1) ?? throw new InvalidOperationException("--grants needs the role that the service connects as: --grants shop_service");
                Console.WriteLine(app.Services.GetRequiredService<IEntityStore>().GrantsScript(role));
                return 0;
            }

            if (args.Contains("--migrate"))
            {
                await using (app)
                {
                    var options = app.Services.GetRequiredService<IOptions<CloudStateOptions>>().Value;
                    return await Migration.RunAsync(
                        app.Services.GetRequiredService<IEntityStore>(), options.MigrateTimeout, app.Services.GetRequiredService<TimeProvider>());
                }
            }

            // The host would do it as well, and log a stack trace when it fails.
            app.Services.GetService<IStartupValidator>()?.Validate();
            app.Services.GetRequiredService<ServiceValidation>().Check();
        }
        catch (Exception failure) when (failures.Note(failure))
        {
            throw;
        }

        try
        {
            await app.RunAsync();
        }
        catch (OperationCanceledException) when (failures.Ended is not null)
        {
            // What has failed has stopped the host while it was still starting.
        }

        if (failures is { Ended: { } ended, HasExplained: true })
        {
            Console.Error.WriteLine(StartFailures.Explain(ended));
        }

        return failures.Ended is null ? 0 : 1;
    }
}
