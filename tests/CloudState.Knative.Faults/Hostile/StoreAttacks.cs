using System.Diagnostics;
using System.Globalization;
using CloudState.Knative.Faults.Cluster;
using Npgsql;

namespace CloudState.Knative.Faults.Hostile;

/// <summary>What happens to the database under the service, by accident or by mistake of an operator.</summary>
internal static class StoreAttacks
{
    /// <summary>The role of the service, which is no superuser.</summary>
    public const string Role = "hostile_app";

    private const string Terminate = $"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{Role}'";

    /// <summary>A folder on a small disk of its own, for the embedded store; null when no disk could be mounted.</summary>
    public static string? SqliteDisk { get; } = Environment.GetEnvironmentVariable("CLOUDSTATE_FAULTS_SQLITE_DISK");

    private static string? PostgresDisk { get; } = Environment.GetEnvironmentVariable("CLOUDSTATE_FAULTS_POSTGRES_DISK");

    public static IReadOnlyList<Attack> OfSqlite { get; } =
    [
        .. SqliteDisk is null ? (Attack[])[] : [new Attack("disk full", (_, ended) => FillAsync(SqliteDisk, ended))],
    ];

    public static IReadOnlyList<Attack> OfPostgres { get; } =
    [
        new("connections terminated", async (_, ended) =>
        {
            while (!ended.IsCancellationRequested)
            {
                await RunAsync(Terminate);
                await Task.Delay(100, CancellationToken.None);
            }
        }),
        new("database stopped (SIGSTOP)", StopAsync),
        Changed("read-only", $"alter role {Role} set default_transaction_read_only = on; {Terminate}", $"alter role {Role} reset default_transaction_read_only; {Terminate}"),
        Changed("out of connections", $"alter role {Role} connection limit 0; {Terminate}", $"alter role {Role} connection limit -1"),
        Changed("privileges revoked", $"revoke insert, update on all tables in schema public from {Role}", $"grant insert, update on all tables in schema public to {Role}"),
        .. PostgresDisk is null ? (Attack[])[] : [new Attack("disk full", async (_, ended) =>
        {
            await FillAsync(PostgresDisk, ended);
            await RestartIfDownAsync();
        })],
    ];

    public static async Task RunAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(new PostgresServer().ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static Attack Changed(string name, string change, string undo) => new(name, async (_, ended) =>
    {
        await RunAsync(change);
        await EndAsync(ended);
        await RunAsync(undo);
    });

    private static Task EndAsync(CancellationToken ended) => Task.Delay(Timeout.Infinite, ended).ContinueWith(_ => { }, TaskScheduler.Default);

    private static async Task FillAsync(string folder, CancellationToken ended)
    {
        var path = Path.Combine(folder, "filling");
        try
        {
            while (!ended.IsCancellationRequested)
            {
                // Whatever becomes free is taken.
                try
                {
                    await using var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
                    var block = new byte[4096];
                    while (!ended.IsCancellationRequested)
                    {
                        file.Write(block);
                    }
                }
                catch (IOException)
                {
                    await Task.Delay(50, CancellationToken.None);
                }
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Stops the server that this run has started, with all of its processes, and lets it go on.</summary>
    private static async Task StopAsync(HostileService service, CancellationToken ended)
    {
        var server = (await File.ReadAllLinesAsync(Path.Combine(Environment.GetEnvironmentVariable("CLOUDSTATE_TEST_POSTGRES_DATA")!, "postmaster.pid"), CancellationToken.None))[0];
        string[] processes = [server, .. ChildrenOf(int.Parse(server, CultureInfo.InvariantCulture))];
        await KillAsync("-STOP", processes);
        try
        {
            await EndAsync(ended);
        }
        finally
        {
            await KillAsync("-CONT", processes);
        }
    }

    private static IEnumerable<string> ChildrenOf(int parent)
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])))
        {
            var stat = "";
            try
            {
                stat = File.ReadAllText(Path.Combine(folder, "stat"));
            }
            catch (IOException)
            {
                continue;
            }

            if (stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1] == $"{parent}")
            {
                yield return Path.GetFileName(folder);
            }
        }
    }

    private static async Task KillAsync(string signal, string[] processes)
    {
        using var kill = Process.Start("kill", [signal, .. processes]);
        await kill.WaitForExitAsync();
    }

    /// <summary>A PostgreSQL that cannot write its log ends, and does not always come back by itself.</summary>
    private static async Task RestartIfDownAsync()
    {
        for (var attempt = 0; attempt < 20; attempt++)
        {
            try
            {
                await RunAsync("select 1");
                return;
            }
            catch (NpgsqlException)
            {
                await Task.Delay(250);
            }
        }

        await new PostgresServer().StartAsync();
    }
}
