using CloudState.Knative.Lattices;

namespace CloudState.Knative.UnitTests.Lattices;

/// <summary>
/// Replicas of one key, a store and an unreliable network between them: what the layer above promises. Deltas are stored before they are sent, and
/// are applied in causal order, because those that are missing are read from the store. Checks each state against the specification.
/// </summary>
internal sealed class World
{
    public const int Seats = 3;

    private readonly Kind _kind;
    private readonly bool _isLong;
    private readonly LatticeState[] _states;
    private readonly Guid[] _members = [.. Enumerable.Range(0, Seats).Select(_ => Guid.NewGuid())];
    private readonly HashSet<int> _isolated = [];
    private readonly List<(int To, LatticeDelta Delta)> _underWay = [];
    private readonly List<Operation> _operations = [];

    /// <param name="kind">Of the value.</param>
    /// <param name="steps">What happens.</param>
    /// <param name="isLong">Whether seats write more than <see cref="Counter.DotsInMap"/> deltas. The states are not checked then.</param>
    public World(Kind kind, IEnumerable<Step> steps, bool isLong = false)
    {
        (_kind, _isLong) = (kind, isLong);
        _states = [.. Enumerable.Repeat(LatticeState.Empty(kind), Seats)];
        foreach (var step in steps)
        {
            Take(step);
        }
    }

    /// <summary>The deltas in the order in which they were stored, with the states of their authors before and after.</summary>
    public List<(LatticeState Before, LatticeDelta Delta, LatticeState After)> Stored { get; } = [];

    /// <summary>All states that there have been, at least one.</summary>
    public List<LatticeState> Past { get; } = [];

    public IReadOnlyList<LatticeState> States => _states;

    public LatticeState Whole => Stored.Aggregate(LatticeState.Empty(_kind), (state, stored) => state.Apply(stored.Delta));

    public void Settle()
    {
        for (var seat = 0; seat < Seats; seat++)
        {
            foreach (var (_, delta, _) in Stored)
            {
                Receive(seat, delta);
            }
        }
    }

    private void Take(Step step)
    {
        switch (step)
        {
            case Write write:
                Commit(write);
                break;
            case Deliver deliver when _underWay.Count > 0:
                var (to, delta) = _underWay[deliver.Pick % _underWay.Count];
                Receive(to, delta);
                if (!deliver.IsTwice)
                {
                    _underWay.RemoveAt(deliver.Pick % _underWay.Count);
                }

                break;
            case Lose lose when _underWay.Count > 0:
                _underWay.RemoveAt(lose.Pick % _underWay.Count);
                break;
            case Isolate isolate:
                _ = _isolated.Add(isolate.Seat) || _isolated.Remove(isolate.Seat);
                break;
            case Replace replace:
                _members[replace.Seat] = Guid.NewGuid();
                Become(replace.Seat, LatticeBytes.ReadState(LatticeBytes.Write(Whole)));
                break;
            case Join join:
                Become(join.Seat, _states[join.Seat].Join(_states[join.Other]));
                break;
        }
    }

    private void Commit(Write write)
    {
        var before = _states[write.Seat];
        var dot = before.NextDot(write.Seat);

        // Only so many deltas does a counter in a map keep apart.
        if (dot.Number > Counter.DotsInMap && !_isLong)
        {
            return;
        }

        var (after, delta) = (before, default(LatticeDelta));
        foreach (var act in write.Acts)
        {
            Act? done = null;
            LatticeDelta? part;
            try
            {
                part = after.Edit<Content>(dot, (content, stamp) =>
                {
                    var edit = act.Edit(content, stamp, _members[write.Seat]);
                    done = edit?.Act;
                    return edit?.Change;
                });
            }
            catch (InvalidOperationException)
            {
                // The entry has another kind.
                continue;
            }

            if (part is not null)
            {
                _operations.Add(new(dot, _operations.Count, part.Stamp.Seen, done!));
                after = after.Amend(part);
                delta = delta?.Compose(part) ?? part;
            }
        }

        if (delta is not null)
        {
            Stored.Add((before, delta, after));
            Become(write.Seat, after);
            _underWay.AddRange(
                from to in Enumerable.Range(0, Seats)
                where to != write.Seat && !_isolated.Contains(to) && !_isolated.Contains(write.Seat)
                select (to, delta));
        }
    }

    private void Receive(int seat, LatticeDelta delta)
    {
        var state = _states[seat];
        if (!state.IsReadyFor(delta))
        {
            var missing = Stored.Where(stored => delta.Stamp.Seen.Contains(stored.Delta.Stamp.Dot));
            state = missing.Aggregate(state, (so, stored) => so.Apply(stored.Delta));
        }

        Become(seat, state.Apply(LatticeBytes.ReadDelta(LatticeBytes.Write(delta))));
    }

    private void Become(int seat, LatticeState state)
    {
        _states[seat] = state;
        Past.Add(state);
        if (_isLong)
        {
            return;
        }

        var members = Enumerable.Range(0, Seats).ToDictionary(each => each, each => _members[each]);
        var known = _operations.Where(operation => state.Context.Contains(operation.Dot)).ToArray();
        Assert.Equal(Specification.Of(_kind, known, members), Appearance.Of(state.Content, members));
    }
}
