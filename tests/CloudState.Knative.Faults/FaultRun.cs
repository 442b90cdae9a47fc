using System.Diagnostics;
using CloudState.Knative.Faults.Checking;
using CloudState.Knative.Faults.Cluster;
using CloudState.Knative.Faults.Load;
using CloudState.Knative.Faults.Nemesis;

namespace CloudState.Knative.Faults;

/// <summary>One run: a cluster, clients, a nemesis, and at the end one line that says what they found.</summary>
internal sealed class FaultRun(RunOptions options)
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(3);

    private readonly string _work = Environment.GetEnvironmentVariable("CLOUDSTATE_FAULTS_WORK") ?? throw new InvalidOperationException("Run the suite with 'bash tests/faults.sh'.");
    private readonly Counters _counters = new();

    /// <returns>0 when the run found what it should: no anomaly, or with sabotage at least one.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        // 1. PostgreSQL runs; the schema and the first pods.
        var started = Stopwatch.GetTimestamp();
        var postgres = new PostgresServer();
        var pods = new PodSettings(Path.Combine(_work, "pods"), postgres, options.Lease, options.Sabotage);
        Directory.CreateDirectory(pods.Folder);
        await pods.MigrateAsync();

        var faults = new FaultLog(started, options.Lease + TimeSpan.FromSeconds(1));
        AnomalyReport? report = null;
        await using var cluster = new PodCluster(pods, Path.Combine(_work, "pids"), ReportAnomaly);
        var anomalies = report = new AnomalyReport(faults, () => DescribeAsync(cluster));
        await using var streams = new StoredStream(postgres.ConnectionString);
        for (var i = 0; i < options.Pods; i++)
        {
            cluster.GiveBack(await cluster.StartPodAsync());
        }

        // 2. Load, faults and verification at the same time; when one of them fails, all end.
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(broken.Token);
        var verifier = new KeyVerifier(streams, anomalies, started);
        var keys = new LiveKeys(options, verifier.Add);
        var verified = GuardAsync(verifier.RunAsync(broken.Token), broken);
        var clients = Enumerable.Range(0, options.Clients)
            .Select(number => GuardAsync(Task.Run(() => new Client(number, options, cluster, keys, faults, _counters, ReportAnomaly).RunAsync(ended.Token, broken.Token)), broken))
            .ToArray();
        await GuardAsync(InjectAsync(new FaultScheduler(options, new PodFaults(cluster, options, faults, ReportAnomaly), new LinkFaults(cluster, postgres, options, faults)), broken.Token), broken);

        // 3. The load ends on a healed cluster; what is left is verified.
        await ended.CancelAsync();
        await Task.WhenAll(clients);
        keys.RetireAll();
        verifier.Complete();
        await verified;

        AvailabilityReport.Print(faults);
        Console.WriteLine(
            $"{verifier.Verified} carts: {_counters.AcknowledgedWrites} writes acknowledged, {_counters.UnknownWrites} unknown; {_counters.AnsweredReads} reads; {_counters.Failed} operations without effect or result");
        return Conclude(options, _work, faults, anomalies, _counters);

        void ReportAnomaly(string what)
        {
            // Ctrl-C reaches the pods, too.
            if (!cancellationToken.IsCancellationRequested)
            {
                _ = report!.AddAsync(what);
            }
        }
    }

    private async Task InjectAsync(FaultScheduler scheduler, CancellationToken cancellationToken)
    {
        await Task.Delay(WarmUp, cancellationToken);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        ended.CancelAfter(TimeSpan.FromMinutes(options.Minutes));
        await scheduler.RunAsync(ended.Token, cancellationToken);
        await Task.Delay(Quiet, cancellationToken);
    }

    /// <summary>Prints the last line, and where the logs are if they are needed. Returns the exit code.</summary>
    public static int Conclude(RunOptions options, string work, FaultLog faults, AnomalyReport anomalies, Counters counters)
    {
        if (anomalies.Count > 0)
        {
            File.WriteAllText(Path.Combine(work, "keep"), "");
            Console.WriteLine($"The logs of the pods: {Path.Combine(work, "pods")}");
        }

        var summary = $"seed {options.Seed}: {counters.Operations} operations, {faults.All.Count} faults, {anomalies.Count} anomalies; {AvailabilityReport.Summary(faults)}";
        Console.WriteLine(options.Sabotage is null ? summary : $"{summary}; sabotage {options.Sabotage} {(anomalies.Count > 0 ? "was found" : "was NOT found")}");
        var isClean = anomalies.Count == 0;
        return counters.AcknowledgedWrites + counters.AnsweredReads > 0 && isClean == options.Sabotage is null ? 0 : 1;
    }

    public static async Task<string> DescribeAsync(PodCluster cluster) =>
        string.Join('\n', await Task.WhenAll(cluster.Pods.Select(async pod => $"  {pod.Name} ({pod.Revision}): {await pod.DescribeRingAsync()}")));

    public static async Task GuardAsync(Task task, CancellationTokenSource broken)
    {
        try
        {
            await task;
        }
        catch
        {
            await broken.CancelAsync();
            throw;
        }
    }
}
