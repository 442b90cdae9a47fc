using System.Buffers;
using System.Text.Json;
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
    private readonly int _seat;
    private readonly int _foldEvery;
    private volatile Replica _replica;
    private CommandContext? _command;
    private LatticeDelta? _delta;
    private long _epochBefore;
    private int _unfolded;
    private long _unfoldedBytes;
    private long _foldedBytes;

    public CrdtInstance(Entity entity, StoredReplica stored, EntityEnvironment environment)
        : base(entity, version: 0, environment.Types)
    {
        _view = ((ICrdtEntity)entity).State;
        _seat = environment.Cluster.Seat;
        _foldEvery = environment.Options.SnapshotEvery;
        _replica = ReadStored(stored);
        (_unfolded, _unfoldedBytes, _foldedBytes) = (stored.Deltas.Count, stored.Deltas.Sum(delta => (long)delta.Length), stored.State?.Length ?? 0);
        Surroundings = new CrdtSurroundings(environment.Time, environment.Cluster.MemberId, () => environment.Cluster.Seats);
        _view.Attach(this);
        Keep(_replica.Version);
    }

    public Content Content => _replica.State.Content;

    public CrdtSurroundings Surroundings { get; }

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
        if (state.Edit(_delta?.Stamp.Dot ?? state.NextDot(_seat), edit) is not { } part)
        {
            return;
        }

        _replica = _replica with { State = state.Amend(part) };
        _delta = _delta?.Compose(part) ?? part;
        Version = _replica.Version;
    }

    public override void RequireEvent(Type eventType) =>
        throw new InvalidOperationException($"{Entity.GetType().Name} is a replicated entity and has no events. Change its State.");

    public override void Emit(object stored, object applied) => RequireEvent(stored.GetType());

    public override void Delete()
    {
        (_replica, _delta) = (_replica.Deleted(), null);
        (Version, StateSize) = (_replica.Version, 0);
    }

    public override bool TryMerge(StoredReplica update)
    {
        _replica = _replica.With(update, out var isComplete);
        StateSize += update.Deltas.Sum(delta => delta.Length);
        Keep(_replica.Version);
        return isComplete;
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
        var change = new ReplicaChange(expectedVersion, Version, _epochBefore) { Deletions = deletions };
        if (deletions > 0)
        {
            (_unfolded, _unfoldedBytes, _foldedBytes) = (0, 0, 0);
        }

        if (_delta is not { } delta)
        {
            return change;
        }

        var bytes = LatticeBytes.Write(delta);
        StateSize += bytes.Length;
        _unfolded++;
        _unfoldedBytes += bytes.Length;
        return change with { Deltas = [new ReplicaDelta(_seat, delta.Stamp.Dot.Number, bytes)], Folded = FoldIfDue() };
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
