using System.Diagnostics;
using System.Globalization;
using CloudState.Knative.Faults.Checking;
using CloudState.Knative.Faults.Cluster;

namespace CloudState.Knative.Faults.Events;

/// <summary>
/// Sends events to a topic, and checks that each takes effect once in its entity and arrives from there, by the journal and an action, at the sink of another topic, in the order of the journal; first
/// without, then with pods that are killed.
/// </summary>
internal sealed class EventRun(EventRunOptions options)
{
    private const int LeastCount = 200;
    private static readonly TimeSpan ProgressPeriod = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ArrivalPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan BacklogPatience = TimeSpan.FromSeconds(20);

    // Slots in which a consumer is not done with the events of the counters.
    private const string Backlog =
        $"""
        select count(*)
        from (select slot, max(position) as last from cloudstate_journal where entity_type = '{CounterEntity.EntityType}' group by slot) j
        cross join (select distinct consumer from cloudstate_checkpoints where entity_type = '{CounterEntity.EntityType}') c
        left join cloudstate_checkpoints p on p.consumer = c.consumer and p.entity_type = '{CounterEntity.EntityType}' and p.slot = j.slot
        where coalesce(p.position, 0) < j.last
        """;

    private readonly Arrivals _arrivals = new();

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        // 1. The sink, the pods, and what the code has to learn.
        await using var sink = await Sink.StartAsync(_arrivals);
        var settings = new Dictionary<string, string>
        {
            ["CloudState__Topics__out__Url"] = sink.Url,
            ["CloudState__Topics__numbers__InOrder"] = $"{options.InOrder}",
            ["CloudState__Eventing__OutOfOrderWait"] = "00:00:00.200",
        };
        await using var cluster = await EventingCluster.StartAsync(NumberPod.Role, options.Pods, settings, cancellationToken);
        var broker = new Broker(cluster.Pods, options.Concurrency, options.Seed);
        var some = Math.Max(options.Events / 10, Math.Min(options.Events, LeastCount));
        var (early, calm, killed) = (new Source("numbers", "early", some, options.Keys), new Source("numbers", "calm", some, options.Keys), new Source("numbers", "killed", options.Events, options.Keys));
        await broker.DeliverAsync(new Source("plain", "early", some, options.Keys).InOrder(), options.Window, cancellationToken);
        await PassAsync(early, broker, 0, cancellationToken);

        // 2. Plain commands, and events while all is well.
        var started = Stopwatch.GetTimestamp();
        await broker.DeliverAsync(new Source("plain", "timed", some, options.Keys).InOrder(), options.Window, cancellationToken);
        var plain = some / Stopwatch.GetElapsedTime(started).TotalSeconds;
        var calmRate = await PassAsync(calm, broker, early.Count, cancellationToken);
        Console.WriteLine(Text($"without kills: {calmRate:N0} events/s ({calmRate / plain:0.00} of {plain:N0} plain commands/s)"));

        // 3. Events while pods are killed.
        var killer = new Killer(cluster.Pods, options.Seed);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var killing = killer.RunAsync(options.KillEvery, ended.Token);
        var rate = await PassAsync(killed, broker, early.Count + calm.Count, cancellationToken);
        await ended.CancelAsync();
        await killing;

        // 4. What has become of them.
        await using var stored = new StoredNumbers(cluster.ConnectionString);
        var backlog = await stored.CountDownAsync(Backlog, BacklogPatience, cancellationToken) + await stored.CountAsync("select count(*) from cloudstate_outbox", cancellationToken);
        var parked = await stored.CountAsync("select count(*) from cloudstate_parked", cancellationToken);
        var journal = await stored.ReadAsync(CounterEntity.EntityType, cancellationToken);
        var verification = new NumberVerification(options.InOrder);
        foreach (var (key, count) in (IEnumerable<(string, int)>)[.. early.Keys, .. calm.Keys, .. killed.Keys])
        {
            verification.Add(count, [.. journal.GetValueOrDefault(key, []).Select(entry => entry.Number)], _arrivals.Of(key));
        }

        var isClean = verification.IsClean && parked == 0 && backlog == 0 && _arrivals.Changed == 0 && cluster.Crashes == 0;
        Console.WriteLine(
            $"{broker.Delivered} deliveries taken, {broker.Retries} attempts in vain; at the sink {verification.Wrong} not as in the journal, {_arrivals.Changed} changed under the same id; " +
            $"{parked} parked, {backlog} slots behind, {cluster.Crashes} crashes");
        if (!isClean)
        {
            cluster.KeepLogs();
        }

        Console.WriteLine(Text(
            $"{options.Events} events, {killer.Kills} kills: {verification.Lost} lost, {verification.AppliedTwice} applied twice, {verification.OutOfOrder} out of order; {_arrivals.Repeated} deliveries to the sink repeated; {rate:N0} events/s ({rate / plain:0.00} of plain commands)"));
        return isClean ? 0 : 1;
    }

    /// <summary>Delivers events until all have arrived at the sink, or none does any more. Returns how many a second.</summary>
    private async Task<double> PassAsync(Source source, Broker broker, int before, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var delivering = broker.DeliverAsync(source.Disordered(options.Duplicates, options.Reorder, new Random(options.Seed)), options.Window, cancellationToken);
        var (arrived, arrivedAt, printedAt) = (before, started, started);
        while (!delivering.IsCompleted || (_arrivals.Count < before + source.Count && Stopwatch.GetElapsedTime(arrivedAt) < ArrivalPatience))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), cancellationToken);
            if (_arrivals.Count > arrived)
            {
                (arrived, arrivedAt) = (_arrivals.Count, Stopwatch.GetTimestamp());
            }

            if (Stopwatch.GetElapsedTime(printedAt) >= ProgressPeriod)
            {
                printedAt = Stopwatch.GetTimestamp();
                Console.WriteLine($"{Stopwatch.GetElapsedTime(started).TotalSeconds,4:0} s  {broker.Delivered} deliveries taken, {arrived - before} of {source.Count} at the sink");
            }
        }

        await delivering;
        return source.Count / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
