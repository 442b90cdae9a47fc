namespace CloudState.Knative.Faults.Events;

/// <summary>Compares what was sent for a key, what its journal has, and what has arrived at the sink.</summary>
/// <remarks>
/// Example: 1, 2 and 3 were sent; the journal has 1, 3, 2; 1, 3, 2 at the sink is right. 1, 2, 3 is out of order; 1, 3 has lost one; a journal with 1, 3, 2, 3 has applied one twice.
/// </remarks>
/// <param name="inOrder">Whether the journal must have the numbers in the order in which they were sent.</param>
internal sealed class NumberVerification(bool inOrder)
{
    public int Lost { get; private set; }

    public int AppliedTwice { get; private set; }

    public int OutOfOrder { get; private set; }

    /// <summary>How many events came to the sink that are not in the journal like that, or under more than one id.</summary>
    public int Wrong { get; private set; }

    public bool IsClean => Lost + AppliedTwice + OutOfOrder + Wrong == 0;

    /// <param name="sent">How many numbers were sent, from 1.</param>
    /// <param name="journal">The numbers in the journal, in order.</param>
    /// <param name="arrived">What came to the sink, each id once.</param>
    public void Add(int sent, IReadOnlyList<int> journal, IReadOnlyList<Passed> arrived)
    {
        var applied = journal.ToHashSet();
        Lost += Enumerable.Range(1, sent).Count(number => !applied.Contains(number));
        AppliedTwice += journal.Count - applied.Count;
        OutOfOrder += inOrder ? journal.Zip(journal.Skip(1)).Count(pair => pair.First >= pair.Second) : 0;
        Wrong += applied.Count(number => number < 1 || number > sent);

        var positions = new HashSet<int>();
        var last = 0;
        foreach (var passed in arrived)
        {
            var isRight = passed.Position >= 1 && passed.Position <= journal.Count && journal[passed.Position - 1] == passed.Number && positions.Add(passed.Position);
            Wrong += isRight ? 0 : 1;
            OutOfOrder += isRight && passed.Position < last ? 1 : 0;
            last = Math.Max(last, passed.Position);
        }

        Lost += Enumerable.Range(1, journal.Count).Count(position => !positions.Contains(position));
    }
}
