using System.Diagnostics;
using CloudState.Knative.Benchmarks.Load;
using CloudState.Knative.Benchmarks.Processes;

namespace CloudState.Knative.Benchmarks.Systems;

/// <summary>Prepares and starts systems. All get the same environment, and take from it what they know.</summary>
internal sealed class ServerStarter(PostgresServer postgres)
{
    private static readonly TimeSpan MigratePatience = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>Creates the system's database, and in it what the system needs.</summary>
    public async Task MigrateAsync(BenchSystem system, CancellationToken cancellationToken)
    {
        await postgres.CreateDatabaseAsync(system, cancellationToken);
        await ChildProcess.RunAsync([.. system.Command, "--migrate"], EnvironmentOf(system, ServerPorts.Free()), FolderOf(system), MigratePatience, cancellationToken);
    }

    /// <summary>Starts a server and returns before it listens.</summary>
    public Server Launch(BenchSystem system, params IEnumerable<(string, string)> settings)
    {
        var ports = ServerPorts.Free();
        return new Server(system, ports, ChildProcess.Start(system.Command, [.. EnvironmentOf(system, ports), .. settings], FolderOf(system)));
    }

    /// <summary>Starts a server and returns when it answers.</summary>
    /// <exception cref="InvalidOperationException">It ended instead, or took too long.</exception>
    public async Task<Server> StartAsync(BenchSystem system, CancellationToken cancellationToken, params IEnumerable<(string, string)> settings)
    {
        var server = Launch(system, settings);
        try
        {
            await WaitUntilReadyAsync(server, cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts several servers of one system at the same time and returns when all answer.</summary>
    /// <exception cref="InvalidOperationException">One of them ended instead, or took too long.</exception>
    public async Task<Server[]> StartAllAsync(BenchSystem system, int count, CancellationToken cancellationToken, params (string, string)[] settings)
    {
        Task<Server>[] starts = [.. Enumerable.Range(0, count).Select(_ => StartAsync(system, cancellationToken, settings))];
        try
        {
            return await Task.WhenAll(starts);
        }
        catch
        {
            foreach (var start in starts.Where(start => start.IsCompletedSuccessfully))
            {
                await (await start).DisposeAsync();
            }

            throw;
        }
    }

    private static async Task WaitUntilReadyAsync(Server server, CancellationToken cancellationToken)
    {
        using var client = new CartClient(server);
        var started = Stopwatch.GetTimestamp();
        while (!await client.TryReadAsync("ready", cancellationToken))
        {
            if (server.HasExited || Stopwatch.GetElapsedTime(started) > StartPatience)
            {
                throw new InvalidOperationException($"{server.System.Name} did not start:\n{server.LastLines()}");
            }

            await Task.Delay(ProbeInterval, cancellationToken);
        }
    }

    private static string FolderOf(BenchSystem system) => Directory.CreateDirectory(Path.Combine(WorkFolder.Path, system.Name)).FullName;

    private IEnumerable<(string, string)> EnvironmentOf(BenchSystem system, ServerPorts ports) =>
    [
        ("PORT", $"{ports.Http}"),
        ("GRPC_PORT", $"{ports.Grpc}"),
        ("BENCH_POSTGRES", postgres.ConnectionStringOf(system)),
        ("BENCH_DATA", FolderOf(system)),
        ("ConnectionStrings__CloudState", postgres.ConnectionStringOf(system)),
        ("CloudState__Cluster__Port", $"{ports.Internal}"),
        ("CloudState__Cluster__Address", $"127.0.0.1:{ports.Internal}"),
        ("Logging__LogLevel__Default", "Warning"),
        .. system.Settings,
    ];
}
