using System.Collections.Immutable;
using System.Diagnostics;

namespace CloudState.Knative.Faults.Cluster;

/// <summary>The pods that run at the moment. Whoever injects a fault into a pod takes it first, so that no two faults meet in one pod.</summary>
internal sealed class PodCluster(PodSettings settings, string pidFile, Action<string> reportAnomaly) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly HashSet<Pod> _taken = [];
    private readonly List<Pod> _ended = [];
    private ImmutableArray<Pod> _pods = [];
    private int _started;
    private int _turn = -1;
    private bool _isClosed;

    public string Revision { get; set; } = "cart-00001";

    /// <summary>Of the pods that start from now on.</summary>
    public PodSettings Settings { get; set; } = settings;

    /// <summary>Those that listen and have not ended.</summary>
    public ImmutableArray<Pod> Pods => _pods;

    /// <summary>The most pods that there were at one time, those included that had ended not longer ago than this.</summary>
    public int MostAtOneTime(TimeSpan lingering)
    {
        var after = (long)(lingering.TotalSeconds * Stopwatch.Frequency);
        lock (_lock)
        {
            Pod[] all = [.. _pods, .. _ended];
            return all.Max(pod => all.Count(other => other.Started <= pod.Started && (other.Ended == long.MaxValue || other.Ended + after >= pod.Started)));
        }
    }

    /// <summary>The next pod in turn, as a load balancer without any knowledge picks it; null when there is none.</summary>
    public Pod? Next()
    {
        var pods = _pods;
        return pods.IsEmpty ? null : pods[(int)((uint)Interlocked.Increment(ref _turn) % pods.Length)];
    }

    /// <summary>Starts a pod and returns it when it listens. It is taken.</summary>
    public async Task<Pod> StartPodAsync()
    {
        var pod = new Pod($"pod-{Interlocked.Increment(ref _started)}", Revision, Settings);
        try
        {
            await pod.StartAsync(pidFile);
        }
        catch (InvalidOperationException failed)
        {
            await pod.DisposeAsync();
            throw new InvalidOperationException($"{failed.Message} Its last lines:\n{pod.LastLines()}", failed);
        }

        var isLate = false;
        lock (_lock)
        {
            isLate = _isClosed;
            _pods = _pods.Add(pod);
            _taken.Add(pod);
        }

        if (isLate)
        {
            await pod.DisposeAsync();
        }

        _ = RemoveWhenEndedAsync(pod);
        return pod;
    }

    public Pod? TryTake(Random random)
    {
        lock (_lock)
        {
            var free = _pods.Where(pod => !_taken.Contains(pod) && !pod.IsToldToEnd).ToArray();
            return free.Length == 0 ? null : Take(free[random.Next(free.Length)]);
        }
    }

    /// <summary>Takes all pods, or none when one of them is taken.</summary>
    public IReadOnlyList<Pod> TryTakeAll()
    {
        lock (_lock)
        {
            return _pods.Any(pod => _taken.Contains(pod) || pod.IsToldToEnd) ? [] : [.. _pods.Select(Take)];
        }
    }

    public void GiveBack(Pod pod)
    {
        lock (_lock)
        {
            _taken.Remove(pod);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Pod[] all;
        lock (_lock)
        {
            _isClosed = true;
            all = [.. _pods, .. _ended];
        }

        foreach (var pod in all)
        {
            pod.Kill();
        }

        foreach (var pod in all)
        {
            await pod.DisposeAsync();
        }
    }

    private Pod Take(Pod pod)
    {
        _taken.Add(pod);
        return pod;
    }

    private async Task RemoveWhenEndedAsync(Pod pod)
    {
        await pod.Exited;
        lock (_lock)
        {
            _pods = _pods.Remove(pod);
            _taken.Remove(pod);
            _ended.Add(pod);
        }

        if (!pod.IsToldToEnd)
        {
            reportAnomaly($"{pod.Name} ended by itself, with exit code {pod.ExitCode}");
        }
    }
}
