using CloudState.Knative.Faults.Cluster;

namespace CloudState.Knative.Faults.Nemesis;

/// <summary>
/// Injects one random fault after the other, sometimes two that overlap. Kinds, pauses and durations follow from the seed; which pods
/// there are to choose from, and what the clients do at that moment, do not.
/// </summary>
internal sealed class FaultScheduler(RunOptions options, PodFaults pods, LinkFaults links)
{
    private const double OverlapShare = 0.3;
    private const double LongPauseShare = 0.4;

    private readonly Random _random = new(options.Seed);
    private readonly List<Task> _injected = [];
    private readonly FaultKind[] _kinds = [.. options.Faults.Where(kind => kind != FaultKind.Clock || WallClock.Library is not null)];

    /// <summary>Returns at the end, when everything is healed.</summary>
    /// <param name="ended">The end of the faults.</param>
    /// <param name="cancellationToken">Breaks off; nothing is healed then.</param>
    public async Task RunAsync(CancellationToken ended, CancellationToken cancellationToken)
    {
        try
        {
            while (_kinds.Length > 0)
            {
                var first = Inject();
                var second = Task.CompletedTask;
                if (_random.NextDouble() < OverlapShare)
                {
                    await Task.Delay(_random.Between(TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(3)), ended);
                    second = Inject();
                }

                await Task.WhenAll(first, second).WaitAsync(ended);

                // Now and then long enough that the next fault meets nothing of the previous one.
                await Task.Delay(
                    _random.NextDouble() < LongPauseShare
                        ? options.Lease + TimeSpan.FromSeconds(1.5)
                        : _random.Between(TimeSpan.FromSeconds(0.3), TimeSpan.FromSeconds(2)),
                    ended);
            }

            await Task.Delay(Timeout.Infinite, ended);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            await Task.WhenAll(_injected).WaitAsync(cancellationToken);
        }
    }

    private Task Inject()
    {
        for (var attempt = 0; attempt < 20; attempt++)
        {
            if (TryInject(_kinds[_random.Next(_kinds.Length)], new Random(_random.Next())) is { } healed)
            {
                _injected.RemoveAll(task => task.IsCompletedSuccessfully);
                _injected.Add(healed);
                return healed;
            }
        }

        return Task.CompletedTask;
    }

    private Task? TryInject(FaultKind kind, Random random) => kind switch
    {
        FaultKind.Kill => pods.Kill(random),
        FaultKind.Term => pods.Terminate(random),
        FaultKind.Pause => pods.Pause(random),
        FaultKind.Scale => pods.Scale(random),
        FaultKind.Rollout => pods.RollOut(),
        FaultKind.Postgres => links.CrashPostgres(random),
        FaultKind.Database => links.Database(random),
        FaultKind.Peer => links.Peers(random),
        FaultKind.Slow => links.Slow(random),
        FaultKind.Clock => pods.JumpClock(random),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}
