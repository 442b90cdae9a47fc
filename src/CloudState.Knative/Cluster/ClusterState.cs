using System.Collections.Frozen;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Cluster;

/// <summary>What this process knows of the cluster and which slots it owns. Written by <see cref="Membership"/> alone, read by all.</summary>
internal sealed class ClusterState
{
    private readonly FrozenDictionary<string, OwnedSlot?[]> _owned;
    private readonly FrozenDictionary<string, OwnedSlot?[]> _replicas;
    private readonly int _slotsPerType;
    private readonly bool _isSole;
    private volatile ClusterSnapshot _snapshot = ClusterSnapshot.Empty;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="entityTypes">The types of which this process can own slots.</param>
    /// <param name="slotsPerType">How many slots a type has.</param>
    /// <param name="replicatedTypes">Those of the types whose entities have replicas in all processes.</param>
    public ClusterState(IEnumerable<string> entityTypes, int slotsPerType, IEnumerable<string>? replicatedTypes = null)
        : this(entityTypes, slotsPerType, replicatedTypes ?? [], isSole: false)
    {
    }

    private ClusterState(IEnumerable<string> entityTypes, int slotsPerType, IEnumerable<string> replicatedTypes, bool isSole)
    {
        _isSole = isSole;
        _slotsPerType = slotsPerType;
        _owned = entityTypes.ToFrozenDictionary(type => type, _ => new OwnedSlot?[slotsPerType]);
        _replicas = replicatedTypes.ToFrozenDictionary(type => type, _ => new OwnedSlot?[slotsPerType]);
    }

    public ClusterSnapshot Snapshot => _snapshot;

    /// <summary>Whether commands can be brought to their owners.</summary>
    public bool IsReady => _isSole || _snapshot.Self is not null;

    public IEnumerable<string> EntityTypes => _owned.Keys;

    /// <summary>The slots that this process owns, those included that are being drained.</summary>
    public IEnumerable<OwnedSlot> Owned => _owned.Values.SelectMany(slots => slots).OfType<OwnedSlot>();

    /// <summary>Where commands of replicated types run in this process, from its joining the cluster to its leaving.</summary>
    public IEnumerable<OwnedSlot> Replicas => _replicas.Values.SelectMany(slots => slots).OfType<OwnedSlot>();

    /// <inheritdoc cref="Member.Seat"/>
    public int Seat { get; private set; } = 1;

    /// <summary>This process, as others know it. Another one after each time that it joins.</summary>
    public Guid MemberId { get; private set; } = Guid.NewGuid();

    /// <summary>The processes that take part, by their seats.</summary>
    public IReadOnlyDictionary<int, Guid> Seats => _isSole
        ? new Dictionary<int, Guid> { [Seat] = MemberId }
        : _snapshot.Members.Where(member => member.Seat > 0).ToDictionary(member => member.Seat, member => member.Id);

    /// <summary>Completes with the next change. To miss none, take it before looking.</summary>
    public Task Changed => Volatile.Read(ref _changed).Task;

    /// <summary>The state of a process that does not share its store: it owns everything, for ever.</summary>
    public static ClusterState Sole(IEnumerable<string> entityTypes, TimeProvider time)
    {
        var state = new ClusterState(entityTypes, slotsPerType: 1, [], isSole: true);
        foreach (var type in state.EntityTypes)
        {
            state.Hold(new OwnedSlot(new Slot(type, 0), Tenure.Unlimited(time)));
        }

        return state;
    }

    public Slot SlotOf(EntityId key) => new(key.Type, Slot.NumberOf(key.Key, _slotsPerType));

    /// <summary>The slot as this process owns it; null when it does not.</summary>
    public OwnedSlot? Find(Slot slot) => Volatile.Read(ref _owned[slot.EntityType][slot.Number]);

    /// <summary>
    /// Lets a command in where commands of its slot run in this process: it owns the slot, or it has replicas and owns any slot of the type. False if they run elsewhere.
    /// </summary>
    public bool TryEnter(Slot slot, out EnteredSlot entered)
    {
        entered = default;
        if (!_replicas.TryGetValue(slot.EntityType, out var replicas))
        {
            return Find(slot) is { } owned && TryEnter(owned, owned, out entered);
        }

        if (Volatile.Read(ref replicas[slot.Number]) is not { } replica || !replica.TryEnter())
        {
            return false;
        }

        var slots = _owned[slot.EntityType];
        for (var index = 0; index < slots.Length; index++)
        {
            if (Volatile.Read(ref slots[(slot.Number + index) % slots.Length]) is { } home && TryEnter(replica, home, out entered))
            {
                return true;
            }
        }

        replica.Leave();
        return false;
    }

    public void HoldReplicas(Tenure tenure, int seat)
    {
        (Seat, MemberId) = (seat, tenure.MemberId!.Value);
        foreach (var (type, replicas) in _replicas)
        {
            for (var number = 0; number < replicas.Length; number++)
            {
                Volatile.Write(ref replicas[number], new OwnedSlot(new Slot(type, number), tenure));
            }
        }
    }

    public void DropReplicas()
    {
        foreach (var replicas in _replicas.Values)
        {
            Array.Clear(replicas);
        }
    }

    public void Hold(OwnedSlot owned) => Volatile.Write(ref _owned[owned.Slot.EntityType][owned.Slot.Number], owned);

    public void Drop(OwnedSlot owned) => Volatile.Write(ref _owned[owned.Slot.EntityType][owned.Slot.Number], null);

    public void Publish(ClusterSnapshot snapshot)
    {
        _snapshot = snapshot;
        SignalChange();
    }

    public void SignalChange() =>
        Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    private static bool TryEnter(OwnedSlot host, OwnedSlot home, out EnteredSlot entered)
    {
        entered = new(host, home);
        return home.TryEnter();
    }
}
