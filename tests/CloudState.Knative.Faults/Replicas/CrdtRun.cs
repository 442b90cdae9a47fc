using System.Diagnostics;
using System.Globalization;
using CloudState.Knative.Faults.Checking;
using CloudState.Knative.Faults.Cluster;
using CloudState.Knative.Faults.Load;
using CloudState.Knative.Faults.Nemesis;

namespace CloudState.Knative.Faults.Replicas;

/// <summary>Does operations on counters and sets of which every pod has a replica, under faults; then compares what all pods and the store have with that.</summary>
internal sealed class CrdtRun(CrdtRunOptions options)
{
    // Of the clients, one in so many has no command ids, and of the entities.
    private const int Idless = 3;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(3);

    // A renewal may be under way when its pod is killed.
    private static readonly TimeSpan LongestRenewal = TimeSpan.FromSeconds(1);

    // The highest seat, and the most of one value.
    private const string Seats =
        """
        select greatest(
          (select max(seat) from cloudstate_deltas),
          (select max(seat) from cloudstate_replicas, unnest(seats) as seat),
          (select max(cardinality(seats)) from cloudstate_replicas))::bigint
        """;

    private readonly string _work = Environment.GetEnvironmentVariable("CLOUDSTATE_FAULTS_WORK")
        ?? throw new InvalidOperationException("Run the suite with 'bash tests/faults.sh'.");
    private readonly Counters _counters = new();
    private readonly ReplicaHistory[] _withIds = Histories("once", options.Keys);
    private readonly ReplicaHistory[] _withoutIds = Histories("plain", 1 + (options.Keys / Idless));
    private int _begun;

    /// <returns>0 when the run found what it should: no anomaly, or with sabotage at least one.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        // 1. The pods.
        var run = options.Run;
        var postgres = new PostgresServer();
        var pods = new PodSettings(Path.Combine(_work, "pods"), postgres, run.Lease, run.Sabotage)
        {
            Role = ReplicaPod.Role,
            Environment = new Dictionary<string, string>
            {
                ["CloudState__Cluster__Renewal"] = "00:00:00.400",
                ["CloudState__Cluster__Margin"] = "00:00:00.300",
                ["CloudState__Crdt__SyncInterval"] = "00:00:02",
                ["CloudState__Entities__SnapshotEvery"] = "20",
            },
        };
        Directory.CreateDirectory(pods.Folder);
        await pods.MigrateAsync();
        var faults = new FaultLog(Stopwatch.GetTimestamp(), run.Lease + TimeSpan.FromSeconds(1));
        AnomalyReport? report = null;
        await using var cluster = new PodCluster(pods, Path.Combine(_work, "pids"), ReportAnomaly) { Revision = $"{ReplicaPod.Role}-00001" };
        report = new AnomalyReport(faults, () => FaultRun.DescribeAsync(cluster));
        for (var i = 0; i < run.Pods; i++)
        {
            cluster.GiveBack(await cluster.StartPodAsync());
        }

        // 2. Load and faults, until all operations are done and everything is healed.
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(broken.Token);
        var scheduler = new FaultScheduler(run, new PodFaults(cluster, run, faults, ReportAnomaly), new LinkFaults(cluster, postgres, run, faults));
        var injecting = FaultRun.GuardAsync(InjectAsync(scheduler, ended.Token, broken.Token), broken);
        await Task.WhenAll(Enumerable.Range(0, run.Clients).Select(number =>
        {
            var hasIds = number % Idless != 0;
            var client = new ReplicaClient(number, hasIds, run, cluster, hasIds ? _withIds : _withoutIds, faults, _counters, ReportAnomaly);
            return FaultRun.GuardAsync(Task.Run(() => client.RunAsync(TakeOne, broken.Token)), broken);
        }));
        await ended.CancelAsync();
        await injecting;
        await Task.Delay(Quiet, cancellationToken);

        // 3. What the pods and the store have.
        ReplicaHistory[] histories = [.. _withIds, .. _withoutIds];
        var (values, lasted) = await new Convergence(cluster, histories, what => report.AddAsync(what)).WaitAsync(cancellationToken);
        foreach (var wrong in histories.Zip(values, (history, value) => value is null ? [$"{history.Key} could not be read"] : history.Check(value)).SelectMany(wrong => wrong))
        {
            await report.AddAsync(wrong);
        }

        await using var stored = new StoredNumbers(postgres.ConnectionString);
        var (seats, most) = (await stored.CountAsync(Seats, cancellationToken), cluster.MostAtOneTime(run.Lease + LongestRenewal));
        if (seats > most)
        {
            await report.AddAsync($"{seats} seats have left something in the tables, but there were never more than {most} pods");
        }

        AvailabilityReport.Print(faults);
        var rows = await stored.CountAsync("select count(*) from cloudstate_deltas", cancellationToken);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{histories.Length} entities: {_counters.AcknowledgedWrites} writes acknowledged, {_counters.UnknownWrites} unknown; " +
            $"{_counters.AnsweredReads} reads; {_counters.Failed} operations without effect or result; " +
            $"the pods agreed after {lasted.TotalSeconds:0.0} s; {seats} seats of at most {most}, {rows} rows of deltas"));
        return FaultRun.Conclude(run, _work, faults, report, _counters);

        void ReportAnomaly(string what)
        {
            // Ctrl-C reaches the pods, too.
            if (!cancellationToken.IsCancellationRequested)
            {
                _ = report!.AddAsync(what);
            }
        }
    }

    private bool TakeOne() => Interlocked.Increment(ref _begun) <= options.Operations;

    private static async Task InjectAsync(FaultScheduler scheduler, CancellationToken ended, CancellationToken cancellationToken)
    {
        await Task.Delay(WarmUp, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await scheduler.RunAsync(ended, cancellationToken);
    }

    private static ReplicaHistory[] Histories(string name, int count) =>
        [.. Enumerable.Range(1, count).SelectMany(number => (ReplicaHistory[])[new TallyHistory($"{name}-{number}"), new BadgeHistory($"{name}-{number}")])];
}
