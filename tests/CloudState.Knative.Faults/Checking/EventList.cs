namespace CloudState.Knative.Faults.Checking;

/// <summary>The invocation or the return of one operation, in a list in the order of time.</summary>
internal sealed class HistoryEvent(int index, bool isReturn)
{
    public int Index { get; } = index;

    public bool IsReturn { get; } = isReturn;

    /// <summary>Of an invocation: its return, if it has one.</summary>
    public HistoryEvent? Return { get; set; }

    public HistoryEvent? Next { get; private set; }

    private HistoryEvent? Previous { get; set; }

    public void Append(HistoryEvent next)
    {
        Next = next;
        next.Previous = this;
    }

    /// <summary>Takes the two events of an operation out of the list.</summary>
    public void Lift()
    {
        Unlink();
        Return?.Unlink();
    }

    /// <summary>Puts them back. Only in the reverse order of <see cref="Lift"/>: each event still knows its neighbours of then.</summary>
    public void Unlift()
    {
        Return?.Relink();
        Relink();
    }

    private void Unlink()
    {
        Previous!.Next = Next;
        if (Next is not null)
        {
            Next.Previous = Previous;
        }
    }

    private void Relink()
    {
        Previous!.Next = this;
        if (Next is not null)
        {
            Next.Previous = this;
        }
    }
}

internal static class EventList
{
    /// <summary>The head, which is no event; the first event is its next. At equal times invocations come first: such operations overlap.</summary>
    public static HistoryEvent Create<TOperation>(IReadOnlyList<Interval<TOperation>> history)
    {
        var events = new List<(long Time, HistoryEvent Event)>(2 * history.Count);
        for (var i = 0; i < history.Count; i++)
        {
            var invocation = new HistoryEvent(i, isReturn: false);
            events.Add((history[i].Invoked, invocation));
            if (history[i].Returned is { } returned)
            {
                invocation.Return = new HistoryEvent(i, isReturn: true);
                events.Add((returned, invocation.Return));
            }
        }

        var head = new HistoryEvent(-1, isReturn: false);
        var last = head;
        foreach (var (_, next) in events.OrderBy(timed => timed.Time).ThenBy(timed => timed.Event.IsReturn))
        {
            last.Append(next);
            last = next;
        }

        return head;
    }
}
