using CloudState.Knative.Lattices;

namespace CloudState.Knative.Crdts;

/// <summary>A value that belongs to no entity. Each change is a delta of its own.</summary>
internal sealed class LocalSite(Kind kind) : ICrdtSite
{
    private const int Seat = 1;

    private static readonly Guid Member = Guid.NewGuid();
    private static readonly Dictionary<int, Guid> Members = new() { [Seat] = Member };
    private static readonly CrdtSurroundings Alone = new(TimeProvider.System, Member, () => Members);

    public LatticeState State { get; private set; } = LatticeState.Empty(kind);

    public Content Content => State.Content;

    public CrdtSurroundings Surroundings => Alone;

    public void Change<TContent>(Func<TContent, Stamp, Change?> edit)
        where TContent : Content
    {
        if (State.Edit(State.NextDot(Seat), edit) is { } delta)
        {
            State = State.Amend(delta);
        }
    }
}
