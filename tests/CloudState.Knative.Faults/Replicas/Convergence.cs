using System.Diagnostics;
using CloudState.Knative.Faults.Cluster;
using CloudState.Knative.Faults.Load;

namespace CloudState.Knative.Faults.Replicas;

/// <summary>Reads all values from all pods until these agree, and then from a pod that has just started and knows nothing but the store.</summary>
internal sealed class Convergence(PodCluster cluster, IReadOnlyList<ReplicaHistory> histories, Func<string, Task> reportAnomaly)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Returns the values that the store has, in the order of the histories, null for one that could not be read; and how long the pods took to agree.</summary>
    public async Task<(IReadOnlyList<int>?[] Values, TimeSpan Lasted)> WaitAsync(CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        Pod[] pods = [.. cluster.Pods];
        await AgreeAsync(pods, expected: null, cancellationToken);
        var lasted = Stopwatch.GetElapsedTime(started);
        var fresh = await cluster.StartPodAsync();
        var stored = await ReadAsync(fresh, cancellationToken);
        await AgreeAsync(pods, (fresh, stored), cancellationToken);
        return (stored, lasted);
    }

    private async Task AgreeAsync(Pod[] pods, (Pod Pod, IReadOnlyList<int>?[] Values)? expected, CancellationToken cancellationToken)
    {
        for (var started = Stopwatch.GetTimestamp(); ;)
        {
            var values = await Task.WhenAll(pods.Select(pod => ReadAsync(pod, cancellationToken)));
            string[] names = [.. pods.Select(pod => pod.Name)];
            var all = values;
            if (expected is { } stored)
            {
                (names, all) = ([.. names, stored.Pod.Name], [.. values, stored.Values]);
            }

            int[] different = [.. Enumerable.Range(0, histories.Count).Where(index => all.Any(value => !AreEqual(value[index], all[^1][index])))];
            if (different.Length == 0)
            {
                return;
            }

            if (Stopwatch.GetElapsedTime(started) > Patience)
            {
                foreach (var index in different)
                {
                    var answers = names.Zip(all, (name, value) => $"{name}: {(value[index] is { } items ? string.Join(' ', items) : "no answer")}");
                    await reportAnomaly($"{histories[index].Key} is not the same everywhere after {Patience.TotalSeconds} s: {string.Join("; ", answers)}");
                }

                return;
            }

            await Task.Delay(Pause, cancellationToken);
        }
    }

    private Task<IReadOnlyList<int>?[]> ReadAsync(Pod pod, CancellationToken cancellationToken) => Task.WhenAll(histories.Select(async history =>
    {
        var answer = await GrpcCaller.CallAsync(options => history.ReadAsync(pod.Connections, options), ReadTimeout, cancellationToken);
        if (answer.Kind == AnswerKind.Unexpected)
        {
            await reportAnomaly($"unexpected answer to a read of {history.Key} at the end: {pod.Name}: {answer.Text}");
        }

        return answer.Kind == AnswerKind.Success ? answer.Items : null;
    }));

    private static bool AreEqual(IReadOnlyList<int>? one, IReadOnlyList<int>? other) => one is not null && other is not null && one.SequenceEqual(other);
}
