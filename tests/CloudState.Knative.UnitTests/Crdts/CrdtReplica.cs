using System.Text;
using System.Text.Json;
using CloudState.Knative.Crdts;
using CloudState.Knative.Lattices;
using Microsoft.Extensions.Time.Testing;

namespace CloudState.Knative.UnitTests.Crdts;

/// <summary>A process with one value, whose changes are one delta until they are committed.</summary>
internal sealed class CrdtReplica<TCrdt> : ICrdtSite
    where TCrdt : Crdt, new()
{
    private readonly int _seat;
    private LatticeDelta? _open;

    public CrdtReplica(int seat)
    {
        _seat = seat;
        Value.Attach(this);
        State = LatticeState.Empty(Value.Kind);
        Surroundings = new(Time, Guid.NewGuid(), () => Members);
        Members[seat] = Surroundings.Member;
    }

    public TCrdt Value { get; } = new();

    public LatticeState State { get; private set; }

    public FakeTimeProvider Time { get; } = new(DateTimeOffset.UnixEpoch.AddSeconds(1));

    public Dictionary<int, Guid> Members { get; } = [];

    public Content Content => State.Content;

    public CrdtSurroundings Surroundings { get; }

    public string Json => Text(Value);

    public void Change<TContent>(Func<TContent, Stamp, Change?> edit)
        where TContent : Content
    {
        if (State.Edit(_open?.Stamp.Dot ?? State.NextDot(_seat), edit) is { } part)
        {
            State = State.Amend(part);
            _open = _open?.Compose(part) ?? part;
        }
    }

    /// <summary>The delta since the last commit; null if nothing was changed.</summary>
    public LatticeDelta? Commit()
    {
        var delta = _open;
        _open = null;
        return delta;
    }

    public void Get(params IEnumerable<LatticeDelta?> deltas)
    {
        foreach (var delta in deltas.OfType<LatticeDelta>())
        {
            State = State.Apply(LatticeBytes.ReadDelta(LatticeBytes.Write(delta)));
        }
    }

    /// <summary>Both commit, and get what the other has committed.</summary>
    public void ExchangeWith(CrdtReplica<TCrdt> other)
    {
        var (mine, theirs) = (Commit(), other.Commit());
        Get(theirs);
        other.Get(mine);
    }

    public static string Text(Crdt value)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            value.WriteJson(json);
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
