using CloudState.Knative.Faults.Cluster;
using CloudState.Knative.Faults.Nemesis;

namespace CloudState.Knative.Faults.Events;

/// <summary>Kills one pod after the other with SIGKILL, at random, and starts another one in its place.</summary>
internal sealed class Killer(PodCluster cluster, int seed)
{
    private static readonly TimeSpan LongestAbsence = TimeSpan.FromSeconds(1);

    private readonly Random _random = new(seed);

    public int Kills { get; private set; }

    /// <summary>Goes on until it is told to end; then all pods are there.</summary>
    public async Task RunAsync(TimeSpan every, CancellationToken ended)
    {
        if (every == TimeSpan.Zero)
        {
            return;
        }

        // Also a run that ends soon sees one.
        var pause = _random.Between(every * 0.1, every * 0.3);
        while (await WaitAsync(pause, ended))
        {
            await KillAsync();
            pause = _random.Between(every * 0.5, every * 1.5);
        }
    }

    public async Task KillAsync()
    {
        if (cluster.TryTake(_random) is not { } pod)
        {
            return;
        }

        pod.Kill();
        Kills++;
        await Task.Delay(_random.Between(TimeSpan.Zero, LongestAbsence));
        cluster.GiveBack(await cluster.StartPodAsync());
    }

    /// <summary>Returns false when it is told to end.</summary>
    private static async Task<bool> WaitAsync(TimeSpan pause, CancellationToken ended)
    {
        await Task.Delay(pause, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !ended.IsCancellationRequested;
    }
}
