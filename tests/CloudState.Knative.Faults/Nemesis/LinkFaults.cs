using CloudState.Knative.Faults.Cluster;

namespace CloudState.Knative.Faults.Nemesis;

/// <summary>Faults of the database and of the network. As in <see cref="PodFaults"/>, null means: not possible now.</summary>
internal sealed class LinkFaults(PodCluster cluster, PostgresServer postgres, RunOptions options, FaultLog log)
{
    private bool _isCrashed;

    public Task? CrashPostgres(Random random)
    {
        return _isCrashed ? null : RunAsync();

        async Task RunAsync()
        {
            _isCrashed = true;
            var down = random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(3));
            using var fault = log.Inject(FaultKind.Postgres, $"crash, start after {down.TotalSeconds:0.0} s");
            await postgres.CrashAsync();
            await Task.Delay(down);
            await postgres.StartAsync();
            _isCrashed = false;
        }
    }

    public Task? Database(Random random) => Partition(FaultKind.Database, pod => pod.Database, random);

    public Task? Peers(Random random) => Partition(FaultKind.Peer, pod => pod.Peers, random);

    public Task? Slow(Random random)
    {
        return (random.Next(2) == 0 ? cluster.Pods : cluster.TryTake(random) is { } pod ? [pod] : []) is { Length: > 0 } pods ? RunAsync() : null;

        async Task RunAsync()
        {
            var delay = random.Between(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(300));
            var duration = random.Between(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(6));
            using var fault = log.Inject(
                FaultKind.Slow, $"{(pods.Length > 1 ? "all pods" : pods[0].Name)}, {delay.TotalMilliseconds:0} ms for {duration.TotalSeconds:0.0} s");
            Delay(delay);
            await Task.Delay(duration);
            Delay(TimeSpan.Zero);
            if (pods.Length == 1)
            {
                cluster.GiveBack(pods[0]);
            }
        }

        void Delay(TimeSpan delay)
        {
            foreach (var pod in pods)
            {
                pod.Database.Delay(delay);
            }
        }
    }

    private Task? Partition(FaultKind kind, Func<Pod, TcpProxy> cable, Random random)
    {
        return cluster.TryTake(random) is { } pod ? RunAsync() : null;

        async Task RunAsync()
        {
            var isCut = random.Next(2) == 0;
            var duration = random.Between(TimeSpan.FromSeconds(1), options.Lease + TimeSpan.FromSeconds(3));
            using var fault = log.Inject(kind, $"of {pod.Name} {(isCut ? "cut" : "swallows")} for {duration.TotalSeconds:0.0} s");
            if (isCut)
            {
                await cable(pod).CutAsync();
            }
            else
            {
                cable(pod).Swallow();
            }

            await Task.Delay(duration);
            cable(pod).Pass();
            cluster.GiveBack(pod);
        }
    }
}
