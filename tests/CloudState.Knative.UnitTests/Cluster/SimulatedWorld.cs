namespace CloudState.Knative.UnitTests.Cluster;

/// <summary>
/// A world on one thread: everything that happens is an event at a time of a simulated clock, and a seed decides what happens when.
/// The same seed gives the same run.
/// </summary>
internal sealed class SimulatedWorld(int seed)
{
    private readonly PriorityQueue<(SimulatedProcess? Process, Action Action), (long Time, int Tie)> _events = new();

    public Random Random { get; } = new(seed);

    public TimeSpan Now { get; private set; }

    public bool Chance(double probability) => Random.NextDouble() < probability;

    public TimeSpan Between(double fromSeconds, double toSeconds) => TimeSpan.FromSeconds(fromSeconds + (Random.NextDouble() * (toSeconds - fromSeconds)));

    /// <summary>Lets something happen after a delay; to a process only when that is neither dead nor paused, or else once it goes on.</summary>
    public void Schedule(TimeSpan delay, Action action, SimulatedProcess? process = null) =>
        _events.Enqueue((process, action), ((Now + delay).Ticks, Random.Next()));

    public void RunUntil(TimeSpan end, Action afterEach)
    {
        var outside = SynchronizationContext.Current;
        try
        {
            while (_events.TryPeek(out _, out var next) && next.Time <= end.Ticks)
            {
                var (process, action) = _events.Dequeue();
                Now = TimeSpan.FromTicks(next.Time);
                SynchronizationContext.SetSynchronizationContext(process);
                if (process is null)
                {
                    action();
                }
                else
                {
                    process.Run(action);
                }

                afterEach();
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outside);
        }
    }
}

/// <summary>A process of the simulated world: its continuations and timers are events of the world. It can be paused and killed.</summary>
internal sealed class SimulatedProcess(SimulatedWorld world) : SynchronizationContext
{
    private readonly List<Action> _held = [];

    public bool IsPaused { get; private set; }

    public bool IsDead { get; private set; }

    /// <summary>Whether what it sends to the store arrives.</summary>
    public bool IsCutOff { get; set; }

    public void Kill() => IsDead = true;

    public void Pause() => IsPaused = true;

    public void Resume()
    {
        IsPaused = false;
        foreach (var held in _held)
        {
            world.Schedule(TimeSpan.Zero, held, this);
        }

        _held.Clear();
    }

    public void Run(Action action)
    {
        if (IsPaused)
        {
            _held.Add(action);
        }
        else if (!IsDead)
        {
            action();
        }
    }

    public override void Post(SendOrPostCallback callback, object? state) =>
        world.Schedule(world.Between(0, 0.0002), () => callback(state), this);

    public override SynchronizationContext CreateCopy() => this;
}

/// <summary>The clock of one process, which may run faster or slower than that of the world.</summary>
internal sealed class SimulatedClock(SimulatedWorld world, SimulatedProcess process, double rate) : TimeProvider
{
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => (long)(world.Now.Ticks * rate);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(SimulatedClock clock, Action callback) : ITimer
    {
        private int _version;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var version = ++_version;
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                clock.Schedule(dueTime, () =>
                {
                    if (version == _version)
                    {
                        callback();
                    }
                });
            }

            return true;
        }

        public void Dispose() => _version++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }

    private void Schedule(TimeSpan dueTime, Action action) => world.Schedule(dueTime / rate, action, process);
}
