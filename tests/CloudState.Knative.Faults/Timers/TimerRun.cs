using System.Globalization;
using CloudState.Knative.Faults.Checking;
using CloudState.Knative.Faults.Cluster;
using CloudState.Knative.Faults.Events;

namespace CloudState.Knative.Faults.Timers;

/// <summary>Sets timers and cancels some, while pods are killed; then all pods end for a while, and one comes back. At the end each timer must have fired once, by effect.</summary>
internal sealed class TimerRun(TimerRunOptions options)
{
    private const int Concurrency = 64;
    private static readonly TimeSpan ProgressPeriod = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AloneFor = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LeavePatience = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        // 1. The pods.
        await using var cluster = await EventingCluster.StartAsync(AlarmPod.Role, options.Pods, new Dictionary<string, string>(), cancellationToken);
        await using var stored = new StoredNumbers(cluster.ConnectionString);
        var (broker, killer) = (new Broker(cluster.Pods, Concurrency, options.Seed), new Killer(cluster.Pods, options.Seed));
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var progress = PrintProgressAsync(stored, killer, broken.Token);

        // 2. Timers and cancellations while pods are killed, and end.
        var start = DateTime.UtcNow;
        var timers = PlannedTimer.Plan(options, start);
        var setting = SetAsync(timers, broker, cancellationToken);
        var faults = InjectAsync(cluster.Pods, killer, start, cancellationToken);
        await await Task.WhenAny(setting, faults);
        var (zeroFrom, zeroUntil) = await faults;
        await setting;

        // 3. What has become of them.
        await DelayUntilAsync(start + options.LastDue, cancellationToken);
        var left = await stored.CountDownAsync("select count(*) from cloudstate_timers", Patience, cancellationToken);
        await broken.CancelAsync();
        await progress;
        var parked = await stored.CountAsync("select count(*) from cloudstate_parked", cancellationToken);
        var firings = (await stored.ReadAsync(AlarmEntity.EntityType, cancellationToken)).Values.SelectMany(events => events).ToLookup(fired => fired.Number, fired => fired.At);
        var verification = new TimerVerification(zeroFrom, zeroUntil);
        foreach (var timer in timers)
        {
            verification.Add(timer, [.. firings[timer.Number]]);
        }

        var isClean = verification.IsClean && left == 0 && parked == 0 && cluster.Crashes == 0;
        Console.WriteLine(Text(
            $"{broker.Retries} attempts to set or cancel in vain; {verification.CancelledLate} cancelled when they were due already, {verification.TooEarly} fired too early; {left} left in the store, {parked} parked, {cluster.Crashes} crashes; half of those that were due while pods were up at most {verification.Median.TotalMilliseconds:0} ms late"));
        if (!isClean)
        {
            cluster.KeepLogs();
        }

        Console.WriteLine(Text(
            $"{options.Timers} timers, {killer.Kills} kills, {(zeroUntil - zeroFrom).TotalSeconds:0} s at zero: {verification.FiredOnce} fired once, {verification.FiredAgain} twice, {verification.Lost} lost, {verification.Cancelled} cancelled of which {verification.FiredAlthoughCancelled} fired; latest {verification.Latest.TotalMilliseconds:0} ms late while pods were up, {verification.LatestAtZero.TotalSeconds:0.0} s after zero"));
        return isClean ? 0 : 1;
    }

    private static async Task SetAsync(PlannedTimer[] timers, Broker broker, CancellationToken cancellationToken)
    {
        await broker.DeliverAsync(timers.Select(timer => timer.ToSetting()), Concurrency, cancellationToken);
        Console.WriteLine($"{timers.Length} timers are set");
        await Task.WhenAll(timers.Where(timer => timer.CancelAt is not null).Select(async timer =>
        {
            await DelayUntilAsync(timer.CancelAt!.Value, cancellationToken);
            await broker.DeliverAsync(timer.ToCancellation(), cancellationToken);
            timer.CancelledAt = DateTime.UtcNow;
        }));
    }

    /// <summary>Half of the kills, zero, and the other half. Returns from when to when there was no pod.</summary>
    private async Task<(DateTime From, DateTime Until)> InjectAsync(PodCluster cluster, Killer killer, DateTime start, CancellationToken cancellationToken)
    {
        var middle = start + ((options.FirstDue + options.LastDue - options.AtZero) / 2);
        await KillAsync(killer, options.Kills / 2, start, middle, cancellationToken);
        await DelayUntilAsync(middle, cancellationToken);

        var from = DateTime.UtcNow;
        await EndAllAsync(cluster);
        Console.WriteLine($"all pods have ended after {(DateTime.UtcNow - from).TotalSeconds:0.0} s");
        await DelayUntilAsync(from + options.AtZero, cancellationToken);
        cluster.GiveBack(await cluster.StartPodAsync());
        var until = DateTime.UtcNow;
        await Task.Delay(AloneFor, cancellationToken);
        for (var i = 1; i < options.Pods; i++)
        {
            cluster.GiveBack(await cluster.StartPodAsync());
        }

        await KillAsync(killer, options.Kills - (options.Kills / 2), DateTime.UtcNow, start + options.LastDue, cancellationToken);
        return (from, until);
    }

    private static async Task KillAsync(Killer killer, int count, DateTime from, DateTime until, CancellationToken cancellationToken)
    {
        for (var i = 0; i < count; i++)
        {
            await DelayUntilAsync(from + ((until - from) * (i + 0.5) / count), cancellationToken);
            await killer.KillAsync();
        }
    }

    private static async Task EndAllAsync(PodCluster cluster)
    {
        var pods = cluster.TryTakeAll();
        foreach (var pod in pods)
        {
            pod.Terminate();
        }

        await Task.WhenAll(pods.Select(pod => pod.Exited)).WaitAsync(LeavePatience);
    }

    private static async Task PrintProgressAsync(StoredNumbers stored, Killer killer, CancellationToken ended)
    {
        while (!ended.IsCancellationRequested)
        {
            await Task.Delay(ProgressPeriod, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!ended.IsCancellationRequested)
            {
                Console.WriteLine($"{await stored.CountAsync("select count(*) from cloudstate_timers", CancellationToken.None)} timers in the store, {killer.Kills} kills");
            }
        }
    }

    private static Task DelayUntilAsync(DateTime time, CancellationToken cancellationToken)
    {
        var delay = time - DateTime.UtcNow;
        return delay > TimeSpan.Zero ? Task.Delay(delay, cancellationToken) : Task.CompletedTask;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
