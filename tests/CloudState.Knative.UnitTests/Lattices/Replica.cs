using CloudState.Knative.Lattices;
using Google.Protobuf;

namespace CloudState.Knative.UnitTests.Lattices;

/// <summary>A seat's state in a test by example, and the deltas that it wrote.</summary>
internal sealed class Replica(int seat, Kind kind)
{
    public int Seat => seat;

    public LatticeState State { get; set; } = LatticeState.Empty(kind);

    public string Text => Appearance.Of(State.Content, new Dictionary<int, Guid>());

    /// <summary>Commits a change, and says what is sent to others; fails if nothing changes.</summary>
    public LatticeDelta Do<TContent>(Func<TContent, Stamp, Change?> edit)
        where TContent : Content
    {
        var delta = Assert.IsType<LatticeDelta>(State.Edit(State.NextDot(seat), edit));
        State = State.Amend(delta);
        return delta;
    }

    public LatticeDelta Do(Act act) => Do<Content>((content, stamp) => act.Edit(content, stamp, default)?.Change);

    public bool WouldChange(Act act) => State.Edit<Content>(State.NextDot(seat), (content, stamp) => act.Edit(content, stamp, default)?.Change) is not null;

    public void Get(params LatticeDelta[] deltas)
    {
        foreach (var delta in deltas)
        {
            State = State.Apply(LatticeBytes.ReadDelta(LatticeBytes.Write(delta)));
        }
    }

    public static ByteString Key(string key) => ByteString.CopyFromUtf8(key);
}
