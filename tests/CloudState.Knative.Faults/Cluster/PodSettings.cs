using System.Diagnostics;
using ShoppingCart;

namespace CloudState.Knative.Faults.Cluster;

/// <summary>What all pods of a run have in common.</summary>
internal sealed record PodSettings(string Folder, PostgresServer Postgres, TimeSpan Lease, string? Sabotage)
{
    /// <summary>The sample itself; only with sabotage this program in its place.</summary>
    public ProcessStartInfo ToStartInfo(params string[] arguments)
    {
        string[] command = Sabotage is null
            ? [typeof(ShoppingCartEntity).Assembly.Location, .. arguments]
            : [typeof(PodSettings).Assembly.Location, "pod", "--sabotage", Sabotage, .. arguments];
        var start = new ProcessStartInfo("dotnet", command)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Folder,
        };
        start.Environment["Logging__LogLevel__Default"] = "Warning";
        start.Environment["Logging__LogLevel__CloudState"] = "Information";
        start.Environment["Logging__LogLevel__Microsoft.Hosting.Lifetime"] = "Information";
        start.Environment["DOTNET_gcServer"] = "0";
        // A pod lives for seconds: what it would learn about its code never pays.
        start.Environment["DOTNET_TieredPGO"] = "0";
        return start;
    }

    /// <exception cref="InvalidOperationException">The schema could not be created.</exception>
    public async Task MigrateAsync()
    {
        using var process = new Process { StartInfo = (this with { Sabotage = null }).ToStartInfo("--migrate") };
        process.StartInfo.Environment["PORT"] = $"{FreePorts.Next()}";
        process.StartInfo.Environment["ConnectionStrings__CloudState"] = Postgres.ConnectionString;
        process.Start();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
        }
        finally
        {
            process.Kill();
        }

        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"The schema could not be created:\n{await output}{await errors}");
        }
    }
}
