using System.Collections;

namespace CloudState.Knative.Faults.Checking;

/// <summary>
/// Decides whether a history is linearizable: whether every operation can be given one moment between its invocation and its return so
/// that, in the order of these moments, the results are those of the sequential model.
/// </summary>
/// <remarks>
/// The algorithm is that of Wing and Gong (Testing and verifying concurrent objects, J. Parallel Distrib. Comput. 17, 1993) with the
/// refinements of Lowe (Testing for linearizability, Concurrency Computat. Pract. Exper. 29(4), 2017): the events, invocations and
/// returns, form a linked list in the order of time. The next operation of the order must be one whose invocation comes before the first
/// return of the list: others began only after somebody had finished. If the model accepts it, its two events are lifted out of the list,
/// and the search goes on from the head; if not, the following invocation is tried. Reaching a return means that its operation fits
/// nowhere: the last choice is undone, its events are put back, and the choice after it is tried. A pair (set of operations in the
/// order, state) that was seen before has failed before, and is not searched again.
/// <code>
/// w(1) |-----------|             list: w( r( r) w)     w first, read sees [1]: fits: linearizable
/// read     |--| [1]                                    were the answer []: w first fails, undo; read first: fits, too
/// </code>
/// An operation that has no return is only an invocation in the list: it may be chosen, and need not be.
/// </remarks>
internal sealed class LinearizabilityChecker<TState, TOperation>(ISequentialModel<TState, TOperation> model, int maxSteps = 5_000_000)
    where TState : notnull
{
    public LinearizabilityResult Check(IReadOnlyList<Interval<TOperation>> history)
    {
        var head = EventList.Create(history);
        var open = history.Count(interval => interval.Returned is not null);
        var chosen = new BitArray(history.Count);
        var seen = new HashSet<(BitSet Chosen, TState State)>();
        var undo = new Stack<(HistoryEvent Event, TState State)>();
        var state = model.Initial;
        var stuck = new LinearizabilityResult(LinearizabilityVerdict.NotLinearizable, [], -1);
        var most = -1;
        var steps = 0;

        var current = head.Next;
        while (open > 0)
        {
            if (++steps > maxSteps)
            {
                return stuck with { Verdict = LinearizabilityVerdict.Undecided };
            }

            if (current is { IsReturn: false })
            {
                if (TryChoose(current, out var next))
                {
                    undo.Push((current, state));
                    state = next;
                    open -= current.Return is null ? 0 : 1;
                    current.Lift();
                    current = head.Next;
                }
                else
                {
                    current = current.Next;
                }

                continue;
            }

            // A return, or the end of a list in which only operations without a return are left to try.
            if (undo.Count > most && current is not null)
            {
                most = undo.Count;
                stuck = stuck with { Order = [.. undo.Reverse().Select(choice => choice.Event.Index)], Stuck = current.Index };
            }

            if (!undo.TryPop(out var last))
            {
                return stuck;
            }

            state = last.State;
            chosen[last.Event.Index] = false;
            open += last.Event.Return is null ? 0 : 1;
            last.Event.Unlift();
            current = last.Event.Next;
        }

        return new LinearizabilityResult(LinearizabilityVerdict.Linearizable, [.. undo.Reverse().Select(choice => choice.Event.Index)], -1);

        bool TryChoose(HistoryEvent invocation, out TState next)
        {
            if (!model.TryApply(state, history[invocation.Index].Operation, out next!))
            {
                return false;
            }

            chosen[invocation.Index] = true;
            if (seen.Add((new BitSet(chosen), next)))
            {
                return true;
            }

            chosen[invocation.Index] = false;
            return false;
        }
    }
}

internal enum LinearizabilityVerdict
{
    Linearizable,
    NotLinearizable,

    /// <summary>The search took too many steps.</summary>
    Undecided,
}

/// <summary>The answer, and how far the search came.</summary>
/// <param name="Verdict">The answer.</param>
/// <param name="Order">Indices of operations in the longest order that was found.</param>
/// <param name="Stuck">Index of the operation that had to be next but fits nowhere; -1 when linearizable.</param>
internal sealed record LinearizabilityResult(LinearizabilityVerdict Verdict, IReadOnlyList<int> Order, int Stuck);
