using CloudState.Knative.Lattices;

namespace CloudState.Knative.Crdts;

/// <summary>A value that belongs to no entity. Each change is a delta of its own.</summary>
internal sealed class LocalSite(Kind kind) : ICrdtSite
{
    private const int Seat = 1;

    private static readonly Guid Member = Guid.NewGuid();
    private static readonly Dictionary<int, Guid> Members = new() { [Seat] = Member };
    private static readonly CrdtSurroundings Alone = new(TimeProvider.System, Member, () => Members);

    private LatticeState _state = LatticeState.Empty(kind);

    public Content Content => _state.Content;

    public CrdtSurroundings Surroundings => Alone;

    public void Change<TContent>(Func<TContent, Stamp, Change?> edit)
        where TContent : Content
    {
        if (_state.Edit(_state.NextDot(Seat), edit) is { } delta)
        {
            _state = _state.Amend(delta);
        }
    }
}
