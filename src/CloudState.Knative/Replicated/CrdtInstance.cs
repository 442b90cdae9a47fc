using System.Buffers;
using System.Text.Json;
using CloudState.Knative.Cluster;
using CloudState.Knative.Crdts;
using CloudState.Knative.Entities;
using CloudState.Knative.Lattices;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Replicated;

/// <summary>One incarnation of a replicated entity: the replica of this process.</summary>
internal sealed class CrdtInstance : ClassInstance, ICrdtSite
{
    // A fold costs what the value costs: it waits for deltas of an eighth of that.
    private const int FoldedPerDelta = 8;

    private readonly Crdt _view;
    private readonly ClusterState _cluster;
    private readonly int _seat;
    private readonly int _foldEvery;
    private IReadOnlyList<Member> _members;
    private volatile Replica _replica;
    private CommandContext? _command;
    private LatticeDelta? _delta;
    private long _epochBefore;
    private LocalChanges? _local;

    // Changes without a delta of their own: commands that have amended that of one before them, and members that have come or gone.
    private long _amendments;

    // When something was handed to the journal last.
    private long _handedVersion;
    private int _unfolded;
    private long _unfoldedBytes;
    private long _foldedBytes;

    public CrdtInstance(Entity entity, StoredReplica stored, EntityEnvironment environment)
        : base(entity, version: 0, environment.Types)
    {
        _view = ((ICrdtEntity)entity).State;
        _cluster = environment.Cluster;
        _members = _cluster.Snapshot.Members;
        _seat = _cluster.Seat;
        _foldEvery = environment.Options.SnapshotEvery;
        _replica = ReadStored(stored);
        (_unfolded, _unfoldedBytes, _foldedBytes) = (stored.Deltas.Count, stored.Deltas.Sum(delta => (long)delta.Length), stored.State?.Length ?? 0);
        Surroundings = new CrdtSurroundings(environment.Time, environment.Cluster.MemberId, () => environment.Cluster.Seats);
        _view.Attach(this);
        Keep(CurrentVersion);
        _handedVersion = Version;
    }

    public Content Content => _replica.State.Content;

    public CrdtSurroundings Surroundings { get; }

    public override LocalChanges? Local => _local;

    protected override bool HasToStore => HasChanges || _local is { AnyWaiting: true };

    private long CurrentVersion => _replica.Version + _amendments;

    public override void Begin(CommandContext command, DateTimeOffset now)
    {
        (_command, _delta, _epochBefore) = (command, null, _replica.Epoch);
        base.Begin(command, now);
    }

    public void Change<TContent>(Func<TContent, Stamp, Change?> edit)
        where TContent : Content
    {
        var command = _command ?? throw new InvalidOperationException("No command is being handled. Change the state in a command handler.");
        command.ThrowIfEnded();
        var state = _replica.State;
        var open = _delta ?? (command.Level == CrdtLevel.Local && _replica.Epoch == _epochBefore ? _local?.Open : null);
        if (state.Edit(open?.Stamp.Dot ?? state.NextDot(_seat), edit) is not { } part)
        {
            return;
        }

        _replica = _replica with { State = state.Amend(part) };
        _amendments += _delta is null && open is not null ? 1 : 0;
        _delta = _delta?.Compose(part) ?? part;
        Version = CurrentVersion;
    }

    public override void RequireEvent(Type eventType) =>
        throw new InvalidOperationException($"{Entity.GetType().Name} is a replicated entity and has no events. Change its State.");

    public override void Emit(object stored, object applied) => RequireEvent(stored.GetType());

    public override void Delete()
    {
        (_replica, _delta) = (_replica.Deleted(), null);
        (Version, StateSize) = (CurrentVersion, 0);
    }

    public override bool TryMerge(StoredReplica update)
    {
        _replica = _replica.With(update, out var isComplete);
        StateSize += update.Deltas.Sum(delta => delta.Length);
        _local?.Close();
        _local?.Stored(_replica.Epoch, number: 0);
        Keep(CurrentVersion);
        return isComplete;
    }

    public override void TakeOver(LocalChanges local)
    {
        _local = local;
        foreach (var delta in local.Missing(_replica.Epoch, _replica.State))
        {
            _replica = _replica with { State = _replica.State.Apply(delta) };
        }

        Keep(CurrentVersion);
    }

    public override bool TryAdvanceLocally()
    {
        if (_replica.Epoch != _epochBefore)
        {
            return false;
        }

        if (_delta is { } delta)
        {
            (_local ??= new LocalChanges()).Add(_replica.Epoch, delta);
        }

        Keep(Version);
        return true;
    }

    /// <summary>Votes count while their processes take part.</summary>
    public override bool TryRenew()
    {
        var members = _cluster.Snapshot.Members;
        if (ReferenceEquals(members, _members))
        {
            return false;
        }

        var isOther = !members.Select(member => member.Id).SequenceEqual(_members.Select(member => member.Id));
        _members = members;
        if (isOther)
        {
            _amendments++;
            Keep(CurrentVersion);
        }

        return isOther;
    }

    public override bool HasSeen(ReplicaNews news)
    {
        var replica = _replica;
        return replica.Epoch > news.Epoch || (replica.Epoch == news.Epoch && (news.Seat == 0 || replica.State.Context.Contains(new Dot(news.Seat, news.Number))));
    }

    public override long MeasureState() => StateSize = LatticeBytes.Write(_replica.State).Length;

    protected override StateChange TakeChange(long expectedVersion, DateTimeOffset now)
    {
        var deletions = (int)(_replica.Epoch - _epochBefore);
        var change = new ReplicaChange(_handedVersion, Version, _epochBefore) { Deletions = deletions };
        _handedVersion = Version;
        if (deletions > 0)
        {
            (_unfolded, _unfoldedBytes, _foldedBytes) = (0, 0, 0);
        }

        ReplicaDelta[] deltas = [.. DeltasToStore(deletions > 0).Select(delta => new ReplicaDelta(_seat, delta.Stamp.Dot.Number, LatticeBytes.Write(delta)))];
        if (deltas.Length == 0)
        {
            return change;
        }

        var size = deltas.Sum(delta => delta.Bytes.Length);
        StateSize += size;
        _unfolded += deltas.Length;
        _unfoldedBytes += size;
        return change with { Deltas = deltas, Folded = FoldIfDue() };
    }

    /// <summary>What was kept before the command, and what it has changed itself. A deletion leaves only what comes after it.</summary>
    private IEnumerable<LatticeDelta> DeltasToStore(bool isDeleted)
    {
        var waiting = _local?.HandOver() ?? [];
        if (isDeleted || waiting.Count == 0)
        {
            return _delta is null ? [] : [_delta];
        }

        return _delta is null ? waiting
            : waiting[^1].Stamp.Dot == _delta.Stamp.Dot ? [.. waiting.SkipLast(1), waiting[^1].Compose(_delta)]
            : [.. waiting, _delta];
    }

    protected override StateChange NoChange(long version) => new ReplicaChange(version, version, _replica.Epoch);

    private Replica ReadStored(StoredReplica stored)
    {
        try
        {
            var replica = new Replica(Epoch: 0, LatticeState.Empty(_view.Kind)).With(stored, out var isComplete);
            return isComplete ? replica : throw new UnreadableEntityException("Deltas are missing before those that are stored.");
        }
        catch (Exception unreadable) when (unreadable is InvalidDataException or InvalidOperationException)
        {
            throw new UnreadableEntityException(unreadable.Message, unreadable);
        }
    }

    private FoldedReplica? FoldIfDue()
    {
        if (_foldEvery <= 0 || _unfolded < _foldEvery || _unfoldedBytes * FoldedPerDelta < _foldedBytes)
        {
            return null;
        }

        var state = LatticeBytes.Write(_replica.State);
        (_unfolded, _unfoldedBytes, _foldedBytes, StateSize) = (0, 0, state.Length, state.Length);
        var highest = _replica.State.Context.Highest.ToArray();
        return new FoldedReplica(Array.ConvertAll(highest, dot => dot.Seat), Array.ConvertAll(highest, dot => dot.Number), state, ToJson());
    }

    private byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        _view.WriteJson(json);
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}
