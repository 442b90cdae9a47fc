using CloudState.Knative.Cluster;
using CloudState.Knative.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace CloudState.Knative.UnitTests.Cluster;

/// <summary>
/// The real <see cref="Membership"/> in a simulated process, with the simplest entities that keep its rules: a list of values
/// in memory per key, loaded inside its slot, written with the fence, read under the lease.
/// </summary>
internal sealed class SimulatedPod
{
    public const string EntityType = "list";

    private readonly SimulatedStore _store;
    private readonly Membership _membership;
    private readonly Dictionary<string, (OwnedSlot Slot, List<int> Values)> _memory = [];
    private readonly Dictionary<string, Task> _lastCommand = [];

    public SimulatedPod(SimulatedWorld world, SimulatedStore store, ClusterOptions options, double clockRate)
    {
        _store = store;
        Process = new SimulatedProcess(world);
        State = new ClusterState([EntityType], options.Slots);
        _membership = new Membership(
            store.ConnectMember(Process), State, CreateMember, options, new StoreHealth(NullLogger<StoreHealth>.Instance),
            new SimulatedClock(world, Process, clockRate), NullLogger<Membership>.Instance);
        world.Schedule(TimeSpan.Zero, () => _ = _membership.StartAsync(), Process);

        Member CreateMember()
        {
            var id = new byte[16];
            world.Random.NextBytes(id);
            return new Member(new Guid(id), "", "", "", new Dictionary<string, int> { [EntityType] = 1 });
        }
    }

    public SimulatedProcess Process { get; }

    public ClusterState State { get; }

    public bool HasLeft { get; private set; }

    public async Task LeaveAsync()
    {
        await _membership.HandOverAsync(CancellationToken.None);
        await _membership.LeaveAsync(CancellationToken.None);
        HasLeft = true;
    }

    /// <summary>Adds a value, or reads the list. <see cref="CommandEnd.Unknown"/> is the only end after which a value may or may not be there.</summary>
    public async Task<(CommandEnd End, int[] Values)> ExecuteAsync(string key, int? value)
    {
        var owned = State.Find(State.SlotOf(new EntityId(EntityType, key)));
        if (owned is null || !owned.TryEnter())
        {
            return (CommandEnd.NotDone, []);
        }

        var command = RunAsync(key, value, owned, _lastCommand.GetValueOrDefault(key, Task.CompletedTask));
        _lastCommand[key] = command;
        try
        {
            return await command;
        }
        finally
        {
            owned.Leave();
        }
    }

    private async Task<(CommandEnd End, int[] Values)> RunAsync(string key, int? value, OwnedSlot owned, Task previous)
    {
        await previous;
        try
        {
            if (!_memory.TryGetValue(key, out var entity) || entity.Slot != owned)
            {
                entity = _memory[key] = (owned, [.. await _store.LoadAsync(Process, key)]);
            }

            if (value is null)
            {
                return (owned.IsHeld ? CommandEnd.Done : CommandEnd.NotDone, [.. entity.Values]);
            }

            await _store.AppendAsync(Process, owned.Tenure.MemberId!.Value, key, entity.Values.Count, value.Value);
            entity.Values.Add(value.Value);
            return (CommandEnd.Done, []);
        }
        catch (Exception refused) when (refused is FencedException or VersionConflictException)
        {
            _memory.Remove(key);
            return (CommandEnd.NotDone, []);
        }
        catch (StoreUnavailableException)
        {
            _memory.Remove(key);
            return (CommandEnd.Unknown, []);
        }
    }
}

internal enum CommandEnd
{
    Done,
    NotDone,
    Unknown,
}
