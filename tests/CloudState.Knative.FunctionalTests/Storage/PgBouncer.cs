using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>A real PgBouncer in transaction mode, with two connections to the server of the tests.</summary>
internal sealed class PgBouncer : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Process _process;

    private PgBouncer(Process process, TemporaryFolder folder, string connectionString) => (_process, _folder, ConnectionString) = (process, folder, connectionString);

    public string ConnectionString { get; }

    public static async Task<PgBouncer> StartAsync(CancellationToken cancellationToken)
    {
        var server = new NpgsqlConnectionStringBuilder(PostgresSchema.ConnectionString);
        var (folder, port) = (new TemporaryFolder(), FreePort());
        var settings = Path.Combine(folder.Path, "pgbouncer.ini");
        await File.WriteAllTextAsync(
            settings,
            $"""
            [databases]
            {server.Database} = host={server.Host} port={server.Port} user={server.Username} {(server.Password is null ? "" : $"password={server.Password}")}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {port}
            unix_socket_dir =
            auth_type = any
            pool_mode = transaction
            default_pool_size = 2
            server_lifetime = 3600
            """,
            cancellationToken);

        // It refuses to run as root.
        var start = new ProcessStartInfo("pgbouncer") { RedirectStandardError = true, RedirectStandardOutput = true };
        if (Environment.IsPrivilegedProcess)
        {
            start.ArgumentList.Add("-u");
            start.ArgumentList.Add("postgres");
        }

        start.ArgumentList.Add(settings);
        var process = Process.Start(start) ?? throw new InvalidOperationException("pgbouncer does not start. 'bash tests/run.sh' installs it.");
        var up = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data?.Contains("process up", StringComparison.Ordinal) == true)
            {
                up.TrySetResult();
            }
        };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        await up.Task.WaitAsync(Hosting.TestService.Patience, cancellationToken);
        return new PgBouncer(process, folder, new NpgsqlConnectionStringBuilder(server.ConnectionString) { Host = "127.0.0.1", Port = port }.ConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
