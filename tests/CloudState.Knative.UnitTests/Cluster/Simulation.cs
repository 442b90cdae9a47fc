using CloudState.Knative.Storage;

namespace CloudState.Knative.UnitTests.Cluster;

/// <summary>Pods come, go, hang and lose the store, while clients write and read; says what was wrong with what they saw.</summary>
internal sealed class Simulation
{
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Recovery = TimeSpan.FromSeconds(30);
    private static readonly ClusterOptions Options = new() { Slots = 4 };
    private static readonly string[] Keys = ["a", "b", "c", "d", "e", "f"];

    private readonly SimulatedWorld _world;
    private readonly SimulatedStore _store;
    private readonly double _maxDrift;
    private readonly List<SimulatedPod> _pods = [];
    private readonly Dictionary<string, int> _known = Keys.ToDictionary(key => key, _ => 0);
    private readonly List<int> _undone = [];
    private int _lastValue;
    private string? _violation;

    public Simulation(int seed, bool isFencing = true, double maxDrift = 0.01)
    {
        _world = new SimulatedWorld(seed);
        _store = new SimulatedStore(_world, isFencing);
        _maxDrift = maxDrift;
    }

    public int Reads { get; private set; }

    public int Writes { get; private set; }

    public int Faults { get; private set; }

    /// <summary>Null when all was well.</summary>
    public string? Run()
    {
        Enumerable.Range(0, 3).ToList().ForEach(_ => AddPod());
        ScheduleCommands();
        ScheduleFaults();
        _world.RunUntil(Length, CheckOwners);

        // Everything heals; then everything must be owned, and all that was acknowledged be there.
        _store.Unreliability = 0;
        foreach (var pod in _pods)
        {
            pod.Process.IsCutOff = false;
            pod.Process.Resume();
        }

        _world.RunUntil(Length + Recovery, CheckOwners);
        return _violation ?? WhyNotRecovered() ?? WhyUndoneIsThere();
    }

    private IEnumerable<SimulatedPod> Alive => _pods.Where(pod => !pod.Process.IsDead && !pod.HasLeft);

    private void AddPod() => _pods.Add(new SimulatedPod(_world, _store, Options, 1 + ((_world.Random.NextDouble() - 0.5) * 2 * _maxDrift)));

    private void ScheduleCommands() => _world.Schedule(_world.Between(0, 0.03), () =>
    {
        if (_world.Now < Length)
        {
            var pod = _pods[_world.Random.Next(_pods.Count)];
            _world.Schedule(TimeSpan.Zero, () => _ = CommandAsync(pod), pod.Process);
            ScheduleCommands();
        }
    });

    private async Task CommandAsync(SimulatedPod pod)
    {
        var key = Keys[_world.Random.Next(Keys.Length)];
        int? value = _world.Chance(0.5) ? ++_lastValue : null;
        var known = _known[key];
        var (end, values) = await pod.ExecuteAsync(key, value);
        var stored = _store.ValuesOf(key);
        switch (end, value)
        {
            case (CommandEnd.Done, null):
                Reads++;
                _violation ??= values.Length < known ? $"{_world.Now}: read {values.Length} values of {key}, but {known} were known before"
                    : !values.SequenceEqual(stored.Take(values.Length)) ? $"{_world.Now}: read of {key} what is not stored" : null;
                _known[key] = Math.Max(_known[key], values.Length);
                break;
            case (CommandEnd.Done, { } written):
                Writes++;
                var position = stored.ToList().IndexOf(written);
                _violation ??= position < 0 ? $"{_world.Now}: {written} was acknowledged for {key}, but is not stored" : null;
                _known[key] = Math.Max(_known[key], position + 1);
                break;
            case (CommandEnd.NotDone, { } undone):
                _undone.Add(undone);
                break;
        }
    }

    private void ScheduleFaults() => _world.Schedule(_world.Between(0.2, 4), () =>
    {
        if (_world.Now < Length)
        {
            Faults++;
            var alive = Alive.ToArray();
            var pod = alive[_world.Random.Next(alive.Length)];
            switch (_world.Random.Next(5))
            {
                case 0:
                    pod.Process.Kill();
                    AddPod();
                    break;
                case 1:
                    pod.Process.Pause();
                    _world.Schedule(_world.Between(0.1, 12), pod.Process.Resume);
                    break;
                case 2:
                    pod.Process.IsCutOff = true;
                    _world.Schedule(_world.Between(0.1, 10), () => pod.Process.IsCutOff = false);
                    break;
                case 3 when alive.Length < 6:
                    AddPod();
                    break;
                default:
                    _world.Schedule(TimeSpan.Zero, () => _ = pod.LeaveAsync(), pod.Process);
                    AddPod();
                    break;
            }

            ScheduleFaults();
        }
    });

    private void CheckOwners()
    {
        for (var number = 0; number < Options.Slots; number++)
        {
            var slot = new Slot(SimulatedPod.EntityType, number);
            if (_violation is null && _pods.Count(pod => !pod.Process.IsDead && pod.State.Find(slot) is { IsHeld: true, IsOver: false }) > 1)
            {
                _violation = $"{_world.Now}: slot {number} has two owners";
            }
        }
    }

    private string? WhyNotRecovered()
    {
        for (var number = 0; number < Options.Slots; number++)
        {
            var slot = new Slot(SimulatedPod.EntityType, number);
            if (Alive.Count(pod => pod.State.Find(slot) is { IsHeld: true, IsDraining: false }) != 1)
            {
                return $"slot {number} has no owner {Recovery} after the last fault";
            }
        }

        return null;
    }

    private string? WhyUndoneIsThere()
    {
        var stored = Keys.SelectMany(_store.ValuesOf).ToList();
        return stored.Count != stored.Distinct().Count() ? "a value is stored twice"
            : stored.Intersect(_undone).Any() ? "a value is stored whose write was refused" : null;
    }
}
