using CloudState.Knative.Faults.Cluster;

namespace CloudState.Knative.Faults.Nemesis;

/// <summary>Faults of processes. Every method returns null when the fault is not possible now, and otherwise a task that ends when it is healed.</summary>
internal sealed class PodFaults(PodCluster cluster, RunOptions options, FaultLog log, Action<string> reportAnomaly)
{
    private const int MaxRolledOut = 4;

    // The host gives its services 30 s.
    private static readonly TimeSpan LeavePatience = TimeSpan.FromSeconds(45);

    private int _revision = 1;

    private int MinPods => Math.Min(3, options.Pods);

    public Task? Kill(Random random)
    {
        return cluster.TryTake(random) is { } pod ? RunAsync() : null;

        async Task RunAsync()
        {
            using var fault = log.Inject(FaultKind.Kill, $"{pod.Name}");
            pod.Kill();
            await Task.Delay(random.Between(TimeSpan.FromSeconds(0.5), options.Lease + TimeSpan.FromSeconds(3)));
            await StartAsync();
        }
    }

    public Task? Terminate(Random random)
    {
        return cluster.TryTake(random) is { } pod ? RunAsync() : null;

        async Task RunAsync()
        {
            using var fault = log.Inject(FaultKind.Term, $"{pod.Name}");
            await LeaveAsync(pod);
            await StartAsync();
        }
    }

    public Task? Pause(Random random)
    {
        return cluster.TryTake(random) is { } pod ? RunAsync() : null;

        async Task RunAsync()
        {
            var duration = random.Between(options.Lease + TimeSpan.FromSeconds(1), options.Lease + TimeSpan.FromSeconds(3));
            var isBusy = random.Next(2) == 0;
            using var fault = log.Inject(FaultKind.Pause, $"{pod.Name} for {duration.TotalSeconds:0.0} s{(isBusy ? ", with much in flight" : "")}");
            if (isBusy)
            {
                // Appends pile up behind a slow database, to be sent once the pod wakes up.
                pod.Database.Delay(TimeSpan.FromMilliseconds(400));
                await Task.Delay(TimeSpan.FromSeconds(1));
            }

            pod.Pause();
            pod.Database.Delay(TimeSpan.Zero);
            await Task.Delay(duration);
            pod.Resume();
            cluster.GiveBack(pod);
        }
    }

    public Task? JumpClock(Random random)
    {
        return WallClock.Library is not null && cluster.TryTake(random) is { } pod ? RunAsync() : null;

        async Task RunAsync()
        {
            var offset = random.Between(TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(15)) * (random.Next(2) == 0 ? 1 : -1);
            var duration = random.Between(TimeSpan.FromSeconds(1), options.Lease + TimeSpan.FromSeconds(3));
            using var fault = log.Inject(FaultKind.Clock, $"{pod.Name} by {offset.TotalSeconds:+0;-0} s for {duration.TotalSeconds:0.0} s");
            pod.Clock.JumpTo(offset);
            await Task.Delay(duration);
            pod.Clock.JumpTo(TimeSpan.Zero);
            cluster.GiveBack(pod);
        }
    }

    public Task? Scale(Random random)
    {
        var pods = cluster.Pods.Length;
        if (pods < RunOptions.MaxPods && (pods <= MinPods || random.Next(2) == 0))
        {
            return AddAsync();
        }

        return pods > MinPods && cluster.TryTake(random) is { } pod ? RemoveAsync(pod) : null;

        async Task AddAsync()
        {
            using var fault = log.Inject(FaultKind.Scale, $"to {pods + 1} pods");
            await StartAsync();
        }

        async Task RemoveAsync(Pod pod)
        {
            using var fault = log.Inject(FaultKind.Scale, $"to {pods - 1} pods, SIGTERM of {pod.Name}");
            await LeaveAsync(pod);
        }
    }

    public Task? RollOut()
    {
        return cluster.TryTakeAll() is { Count: > 0 } old ? RunAsync() : null;

        async Task RunAsync()
        {
            cluster.Revision = $"cart-{++_revision:00000}";
            using var fault = log.Inject(FaultKind.Rollout, $"of {cluster.Revision}");
            for (var i = 0; i < Math.Min(old.Count, MaxRolledOut); i++)
            {
                await StartAsync();
            }

            foreach (var pod in old)
            {
                await LeaveAsync(pod);
            }
        }
    }

    private async Task StartAsync()
    {
        try
        {
            cluster.GiveBack(await cluster.StartPodAsync());
        }
        catch (InvalidOperationException failed)
        {
            reportAnomaly(failed.Message);
        }
    }

    private async Task LeaveAsync(Pod pod)
    {
        pod.Terminate();
        try
        {
            await pod.Exited.WaitAsync(LeavePatience);
        }
        catch (TimeoutException)
        {
            reportAnomaly($"{pod.Name} did not end within {LeavePatience.TotalSeconds} s of SIGTERM");
            pod.Kill();
            return;
        }

        if (pod.ExitCode != 0)
        {
            reportAnomaly($"{pod.Name} ended with exit code {pod.ExitCode} after SIGTERM");
        }
    }
}
