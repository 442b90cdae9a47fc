namespace CloudState.Knative.Faults.Cluster;

/// <summary>Pods of a role of this program, which find each other and the database without proxies, and the database they share.</summary>
internal sealed class EventingCluster : IAsyncDisposable
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(2);

    private readonly string _work;
    private int _crashes;

    private EventingCluster(string work, PodSettings settings, CancellationToken cancellationToken)
    {
        (_work, ConnectionString) = (work, settings.Postgres.ConnectionString);
        Pods = new PodCluster(settings, Path.Combine(work, "pids"), what =>
        {
            // Ctrl-C reaches the pods, too.
            if (!cancellationToken.IsCancellationRequested)
            {
                Interlocked.Increment(ref _crashes);
                Console.WriteLine(what);
            }
        });
    }

    public string ConnectionString { get; }

    public PodCluster Pods { get; }

    /// <summary>How many pods have ended that were not told to.</summary>
    public int Crashes => Volatile.Read(ref _crashes);

    public static async Task<EventingCluster> StartAsync(string role, int podCount, IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        var work = Environment.GetEnvironmentVariable("CLOUDSTATE_FAULTS_WORK") ?? throw new InvalidOperationException("Run the suite with 'bash tests/faults.sh'.");
        var pods = new PodSettings(Path.Combine(work, "pods"), new PostgresServer(), Lease, Sabotage: null)
        {
            Role = role,
            IsDirect = true,
            Environment = new Dictionary<string, string>(settings)
            {
                ["CloudState__Cluster__Renewal"] = "00:00:00.400",
                ["CloudState__Cluster__Margin"] = "00:00:00.300",
            },
        };
        Directory.CreateDirectory(pods.Folder);
        await pods.MigrateAsync();
        var cluster = new EventingCluster(work, pods, cancellationToken);
        cluster.Pods.Revision = $"{role}-00001";
        for (var i = 0; i < podCount; i++)
        {
            cluster.Pods.GiveBack(await cluster.Pods.StartPodAsync());
        }

        return cluster;
    }

    /// <summary>The logs are not deleted at the end.</summary>
    public void KeepLogs()
    {
        File.WriteAllText(Path.Combine(_work, "keep"), "");
        Console.WriteLine($"The logs of the pods: {Path.Combine(_work, "pods")}");
    }

    public ValueTask DisposeAsync() => Pods.DisposeAsync();
}
