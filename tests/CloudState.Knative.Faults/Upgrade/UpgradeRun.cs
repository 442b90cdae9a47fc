using CloudState.Knative.Faults.Cluster;
using CloudState.Knative.Faults.Hostile;

namespace CloudState.Knative.Faults.Upgrade;

/// <summary>
/// Upgrades the sample from the release before, under traffic: on PostgreSQL pod by pod, as Knative does, and on the embedded store by a process that
/// takes over the file of one that was killed. Then nothing that was acknowledged is missing, and every command is recognised when it comes again.
/// </summary>
internal sealed class UpgradeRun(UpgradeOptions options)
{
    private const string OldRevision = "cart-00001";
    private const string NewRevision = "cart-00002";
    private const int ByOld = 3000;
    private const int Some = 300;
    private const int ByNew = 1000;

    // Fewer than there are carts: they leave memory and come back.
    private static readonly Dictionary<string, string> Environment = new() { ["CloudState__Entities__MaxActive"] = "100", ["CloudState__Entities__PassivateAfter"] = "00:00:01" };

    private readonly string _work = System.Environment.GetEnvironmentVariable("CLOUDSTATE_FAULTS_WORK") ?? throw new InvalidOperationException(UpgradeOptions.Usage);
    private int _crashes;

    private string Folder => Path.Combine(_work, "pods");

    private string PidFile => Path.Combine(_work, "pids");

    /// <returns>0 when nothing was lost, applied twice or refused.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Folder);
        var isGood = false;
        try
        {
            isGood = await UpgradePostgresAsync(cancellationToken) & await UpgradeSqliteAsync(cancellationToken) & _crashes == 0;
        }
        finally
        {
            if (!isGood)
            {
                await File.WriteAllTextAsync(Path.Combine(_work, "keep"), "", CancellationToken.None);
                Console.WriteLine($"The logs of the processes: {Folder}");
            }
        }

        return isGood ? 0 : 1;
    }

    private async Task<bool> UpgradePostgresAsync(CancellationToken cancellationToken)
    {
        var next = new PodSettings(Folder, new PostgresServer(), TimeSpan.FromSeconds(2), Sabotage: null)
        {
            IsDirect = true,
            Environment = Environment.Concat(TimingOf("Cluster")).ToDictionary(),
        };
        var former = next with { Program = options.OldProgram, ClusterSections = ["Ring", "Cluster"], Environment = next.Environment.Concat(TimingOf("Ring")).ToDictionary() };
        await using var cluster = new PodCluster(former, PidFile, what =>
        {
            if (!cancellationToken.IsCancellationRequested)
            {
                Interlocked.Increment(ref _crashes);
                Console.WriteLine(what);
            }
        })
        {
            Revision = OldRevision,
        };
        var traffic = new Traffic("postgres", () => cluster.Next() is { } pod ? new Target(pod.Connections, pod.Revision == OldRevision) : null);

        // 1. The old release, two pods, one of which is killed and replaced.
        await former.MigrateAsync();
        var killed = await cluster.StartPodAsync();
        var first = await cluster.StartPodAsync();
        traffic.Start(cancellationToken);
        await traffic.MoreAsync(byOld: true, ByOld - Some, cancellationToken);
        killed.Kill();
        await killed.Exited;
        var second = await cluster.StartPodAsync();
        await traffic.MoreAsync(byOld: true, Some, cancellationToken);
        traffic.RequireSnapshots();

        // 2. The schema; old pods go on.
        traffic.BeginChange();
        await next.MigrateAsync();
        await traffic.MoreAsync(byOld: true, Some, cancellationToken);

        // 3. Pod by pod. While there are both, old ones forward to new ones.
        (cluster.Settings, cluster.Revision) = (next, NewRevision);
        foreach (var old in (Pod[])[first, second])
        {
            await cluster.StartPodAsync();
            await Task.WhenAll(traffic.MoreAsync(byOld: true, Some, cancellationToken), traffic.MoreAsync(byOld: false, Some, cancellationToken));
            old.Terminate();
            await old.Exited;
        }

        // 4. The new release alone.
        await traffic.MoreAsync(byOld: false, ByNew, cancellationToken);
        return await traffic.VerifyAsync(cancellationToken);
    }

    private async Task<bool> UpgradeSqliteAsync(CancellationToken cancellationToken)
    {
        var settings = new Dictionary<string, string>(Environment) { ["CloudState__Sqlite__Path"] = Path.Combine(Folder, "carts.db") };
        Target? target = null;
        var traffic = new Traffic("sqlite", () => Volatile.Read(ref target));

        // 1. The old release, killed while it works.
        PodConnections former;
        await using (var old = await HostileService.StartAsync("sqlite-old", Folder, PidFile, settings, options.OldProgram))
        {
            former = new PodConnections(old.Port);
            target = new Target(former, IsOld: true);
            traffic.Start(cancellationToken);
            await traffic.MoreAsync(byOld: true, ByOld, cancellationToken);
            traffic.RequireSnapshots();
            traffic.BeginChange();
        }

        // 2. The new one on the same file.
        using var _ = former;
        await using var next = await HostileService.StartAsync("sqlite-new", Folder, PidFile, settings);
        using var connections = new PodConnections(next.Port);
        Volatile.Write(ref target, new Target(connections, IsOld: false));
        await traffic.MoreAsync(byOld: false, ByNew, cancellationToken);
        return await traffic.VerifyAsync(cancellationToken);
    }

    private static Dictionary<string, string> TimingOf(string section) => new()
    {
        [$"CloudState__{section}__Renewal"] = "00:00:00.400",
        [$"CloudState__{section}__Margin"] = "00:00:00.300",
    };
}
