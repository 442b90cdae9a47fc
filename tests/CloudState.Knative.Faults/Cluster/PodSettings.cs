using System.Diagnostics;
using ShoppingCart;

namespace CloudState.Knative.Faults.Cluster;

/// <summary>What all pods of a run have in common.</summary>
internal sealed record PodSettings(string Folder, PostgresServer Postgres, TimeSpan Lease, string? Sabotage)
{
    /// <summary>As what this program runs in a pod, in the place of the sample.</summary>
    public string? Role { get; init; }

    /// <summary>Further settings of the service.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether pods reach the database and each other without the proxies, which cost time and can not fail then.</summary>
    public bool IsDirect { get; init; }

    /// <summary>The sample itself; only with sabotage, or for a role, this program in its place.</summary>
    public ProcessStartInfo ToStartInfo(params string[] arguments)
    {
        string[] command = this switch
        {
            { Role: { } role } => [typeof(PodSettings).Assembly.Location, role, .. arguments],
            { Sabotage: { } sabotage } => [typeof(PodSettings).Assembly.Location, "pod", "--sabotage", sabotage, .. arguments],
            _ => [typeof(ShoppingCartEntity).Assembly.Location, .. arguments],
        };
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
        foreach (var (key, value) in Environment)
        {
            start.Environment[key] = value;
        }

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
