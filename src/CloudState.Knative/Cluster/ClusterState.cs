using System.Collections.Frozen;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Cluster;

/// <summary>What this process knows of the cluster and which slots it owns. Written by <see cref="Membership"/> alone, read by all.</summary>
internal sealed class ClusterState
{
    private readonly FrozenDictionary<string, OwnedSlot?[]> _owned;
    private readonly int _slotsPerType;
    private readonly bool _isSole;
    private volatile ClusterSnapshot _snapshot = ClusterSnapshot.Empty;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ClusterState(IEnumerable<string> entityTypes, int slotsPerType)
        : this(entityTypes, slotsPerType, isSole: false)
    {
    }

    private ClusterState(IEnumerable<string> entityTypes, int slotsPerType, bool isSole)
    {
        _isSole = isSole;
        _slotsPerType = slotsPerType;
        _owned = entityTypes.ToFrozenDictionary(type => type, _ => new OwnedSlot?[slotsPerType]);
    }

    public ClusterSnapshot Snapshot => _snapshot;

    /// <summary>Whether commands can be brought to their owners.</summary>
    public bool IsReady => _isSole || _snapshot.Self is not null;

    public IEnumerable<string> EntityTypes => _owned.Keys;

    /// <summary>The slots that this process owns, those included that are being drained.</summary>
    public IEnumerable<OwnedSlot> Owned => _owned.Values.SelectMany(slots => slots).OfType<OwnedSlot>();

    /// <summary>Completes with the next change. To miss none, take it before looking.</summary>
    public Task Changed => Volatile.Read(ref _changed).Task;

    /// <summary>The state of a process that does not share its store: it owns everything, for ever.</summary>
    public static ClusterState Sole(IEnumerable<string> entityTypes, TimeProvider time)
    {
        var state = new ClusterState(entityTypes, slotsPerType: 1, isSole: true);
        foreach (var type in state.EntityTypes)
        {
            state.Hold(new OwnedSlot(new Slot(type, 0), Tenure.Unlimited(time)));
        }

        return state;
    }

    public Slot SlotOf(EntityId key) => new(key.Type, Slot.NumberOf(key.Key, _slotsPerType));

    /// <summary>The slot as this process owns it; null when it does not.</summary>
    public OwnedSlot? Find(Slot slot) => Volatile.Read(ref _owned[slot.EntityType][slot.Number]);

    public void Hold(OwnedSlot owned) => Volatile.Write(ref _owned[owned.Slot.EntityType][owned.Slot.Number], owned);

    public void Drop(OwnedSlot owned) => Volatile.Write(ref _owned[owned.Slot.EntityType][owned.Slot.Number], null);

    public void Publish(ClusterSnapshot snapshot)
    {
        _snapshot = snapshot;
        SignalChange();
    }

    public void SignalChange() =>
        Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
}
