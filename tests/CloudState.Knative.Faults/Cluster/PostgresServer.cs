using System.Diagnostics;
using Npgsql;

namespace CloudState.Knative.Faults.Cluster;

/// <summary>
/// The private server that <c>tests/postgres.sh</c> has made and started, and that it ends. This side only crashes it: after
/// <c>stop -m immediate</c> the server recovers from its log as after a power failure.
/// </summary>
internal sealed class PostgresServer
{
    private readonly string _binaries = Setting("CLOUDSTATE_TEST_POSTGRES_BIN");
    private readonly string _data = Setting("CLOUDSTATE_TEST_POSTGRES_DATA");

    /// <summary>For a program on this machine, without a proxy between.</summary>
    public string ConnectionString { get; } = Setting("CLOUDSTATE_TEST_POSTGRES");

    public int Port => new NpgsqlConnectionStringBuilder(ConnectionString).Port;

    /// <summary>The same server through a proxy.</summary>
    public string ConnectionStringThrough(TcpProxy proxy) => new NpgsqlConnectionStringBuilder(ConnectionString) { Port = proxy.Port }.ConnectionString;

    public Task CrashAsync() => ControlAsync("-m", "immediate", "-w", "stop");

    public Task StartAsync() => ControlAsync("-w", "-l", $"{_data}.log", "start");

    /// <summary>PostgreSQL refuses to run as root.</summary>
    private async Task ControlAsync(params string[] arguments)
    {
        string[] command = [Path.Combine(_binaries, "pg_ctl"), "-s", "-D", _data, .. arguments];
        using var process = Environment.UserName == "root"
            ? Process.Start("runuser", ["-u", "postgres", "--", .. command])
            : Process.Start(command[0], command[1..]);
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"'{string.Join(' ', command)}' failed with exit code {process.ExitCode}; see {_data}.log.");
        }
    }

    private static string Setting(string name) => Environment.GetEnvironmentVariable(name)
        ?? throw new InvalidOperationException($"{name} is not set. Run the suite with 'bash tests/faults.sh'.");
}
