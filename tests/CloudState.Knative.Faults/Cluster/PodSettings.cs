using System.Diagnostics;
using ShoppingCart;

namespace CloudState.Knative.Faults.Cluster;

/// <summary>What all pods of a run have in common.</summary>
internal sealed record PodSettings(string Folder, PostgresServer Postgres, TimeSpan Lease, string? Sabotage)
{
    /// <summary>As what this program runs in a pod, in the place of the sample.</summary>
    public string? Role { get; init; }

    /// <summary>What runs in the place of the sample: an executable or its .dll.</summary>
    public string Program { get; init; } = Sample;

    /// <summary>What the configuration calls the cluster; earlier releases have another word.</summary>
    public IReadOnlyList<string> ClusterSections { get; init; } = ["Cluster"];

    /// <summary>Further settings of the service.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether pods reach the database and each other without the proxies, which cost time and can not fail then.</summary>
    public bool IsDirect { get; init; }

    /// <summary>The sample, as it was built with this program.</summary>
    public static string Sample => typeof(ShoppingCartEntity).Assembly.Location;

    /// <summary>How to start an executable or its .dll.</summary>
    public static ProcessStartInfo StartOf(string program, params string[] arguments) =>
        program.EndsWith(".dll", StringComparison.Ordinal) ? new ProcessStartInfo("dotnet", [program, .. arguments]) : new ProcessStartInfo(program, arguments);

    /// <summary>The sample itself; only with sabotage, or for a role, this program in its place.</summary>
    public ProcessStartInfo ToStartInfo(params string[] arguments)
    {
        var start = this switch
        {
            { Role: { } role, Sabotage: { } sabotage } => StartOf(typeof(PodSettings).Assembly.Location, [role, "--sabotage", sabotage, .. arguments]),
            { Role: { } role } => StartOf(typeof(PodSettings).Assembly.Location, [role, .. arguments]),
            { Sabotage: { } sabotage } => StartOf(typeof(PodSettings).Assembly.Location, ["pod", "--sabotage", sabotage, .. arguments]),
            _ => StartOf(Program, arguments),
        };
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.WorkingDirectory = Folder;
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
