using CloudState.Knative.Benchmarks.Processes;

namespace CloudState.Knative.Benchmarks.Systems;

/// <summary>
/// A server of PostgreSQL for this run, and its folder, for the case that no script has made them: <c>tests/postgres.sh</c> starts the server, as it does
/// for the scripts. Both are gone when this is disposed of.
/// </summary>
internal sealed class PrivatePostgres : IAsyncDisposable
{
    private const string Server = "CLOUDSTATE_TEST_POSTGRES";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cloudstate-bench-");

    private PrivatePostgres() => Environment.SetEnvironmentVariable("CLOUDSTATE_BENCH_WORK", _folder.FullName);

    /// <summary>Null when the environment names a server.</summary>
    public static async Task<PrivatePostgres?> StartIfNoneAsync(CancellationToken cancellationToken)
    {
        if (Environment.GetEnvironmentVariable(Server) is not null)
        {
            return null;
        }

        var started = new PrivatePostgres();
        try
        {
            await started.StartAsync(cancellationToken);
            return started;
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await RunAsync("started_postgres=yes; stop_postgres", CancellationToken.None);
        _folder.Delete(recursive: true);
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        var data = _folder.CreateSubdirectory("postgres").FullName;
        // PostgreSQL runs as another user where this program is root.
        var output = await RunAsync($"chmod 711 '{_folder.FullName}'; start_postgres '{data}' >&2; env", cancellationToken);
        foreach (var line in output.Split('\n').Where(line => line.StartsWith(Server, StringComparison.Ordinal)))
        {
            var end = line.IndexOf('=', StringComparison.Ordinal);
            Environment.SetEnvironmentVariable(line[..end], line[(end + 1)..]);
        }
    }

    private static Task<string> RunAsync(string commands, CancellationToken cancellationToken) =>
        ChildProcess.RunAsync(["bash", "-c", $"set -euo pipefail; . tests/postgres.sh; {commands}"], [], RepositoryFolder(), Patience, cancellationToken);

    private static string RepositoryFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "tests", "postgres.sh")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("There is no tests/postgres.sh above this program. Run it from the repository.");
    }
}
