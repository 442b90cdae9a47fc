using System.Collections.Immutable;

namespace CloudState.Knative.Lattices;

/// <summary>The dots of the author's seat that have changed.</summary>
/// <param name="kind">GCounter or PNCounter.</param>
/// <param name="first">The number of the seat's first dot that is left: those before it are added to others.</param>
/// <param name="amounts">The amounts of the seat's dots that are new or larger, by their numbers, in order.</param>
internal sealed class CounterChange(Kind kind, long first, ImmutableArray<(long Number, Amount Amount)> amounts) : Change
{
    public override Kind Kind => kind;

    public long First => first;

    public ImmutableArray<(long Number, Amount Amount)> Amounts => amounts;

    public override CounterChange Compose(Change next)
    {
        var later = (CounterChange)next;
        var replaced = later.Amounts.Select(amount => amount.Number).ToHashSet();
        var kept = amounts.Where(amount => !replaced.Contains(amount.Number));
        return new(kind, later.First, [.. kept.Concat(later.Amounts).OrderBy(amount => amount.Number)]);
    }
}
