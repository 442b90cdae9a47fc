using CloudState.Knative.Lattices;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Replicated;

/// <summary>A replicated value at one moment.</summary>
/// <param name="Epoch">How often it was deleted.</param>
/// <param name="State">The value.</param>
internal sealed record Replica(long Epoch, LatticeState State)
{
    // More deltas than one value will ever have.
    private const int EpochShift = 40;

    /// <summary>Another one after each change: how many deltas are in the value, and, above that, the epoch.</summary>
    public long Version
    {
        get
        {
            var version = Epoch << EpochShift;
            foreach (var dot in State.Context.Highest)
            {
                version += dot.Number;
            }

            return version;
        }
    }

    public Replica Deleted() => new(Epoch + 1, LatticeState.Empty(State.Content.Kind));

    /// <summary>With what is stored of it.</summary>
    /// <param name="stored">What is stored, or a part of it.</param>
    /// <param name="isComplete">False if deltas were left out because something before them is missing.</param>
    /// <exception cref="InvalidDataException">This revision cannot read it.</exception>
    public Replica With(StoredReplica stored, out bool isComplete)
    {
        isComplete = true;
        if (stored.Epoch < Epoch)
        {
            return this;
        }

        var state = stored.Epoch > Epoch ? LatticeState.Empty(State.Content.Kind) : State;
        state = stored.State is null ? state : state.Join(LatticeBytes.ReadState(stored.State));
        var waiting = stored.Deltas.Select(delta => LatticeBytes.ReadDelta(delta)).ToList();
        for (var before = waiting.Count + 1; waiting.Count > 0 && waiting.Count < before;)
        {
            // In the order in which each has all that its author had seen.
            before = waiting.Count;
            waiting.RemoveAll(delta =>
            {
                var isReady = state.Context.Contains(delta.Stamp.Dot) || state.IsReadyFor(delta);
                state = isReady ? state.Apply(delta) : state;
                return isReady;
            });
        }

        isComplete = waiting.Count == 0;
        return new(stored.Epoch, state);
    }
}
