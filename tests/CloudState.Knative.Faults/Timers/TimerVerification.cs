namespace CloudState.Knative.Faults.Timers;

/// <summary>Compares the timers with what the journal says that they have done.</summary>
/// <param name="zeroFrom">When the last pods were told to end.</param>
/// <param name="zeroUntil">When the next one was there.</param>
internal sealed class TimerVerification(DateTime zeroFrom, DateTime zeroUntil)
{
    private readonly List<TimeSpan> _lateness = [];

    public int FiredOnce { get; private set; }

    public int FiredAgain { get; private set; }

    public int Lost { get; private set; }

    public int Cancelled { get; private set; }

    public int FiredAlthoughCancelled { get; private set; }

    /// <summary>How many were cancelled when they were due already.</summary>
    public int CancelledLate { get; private set; }

    public int TooEarly { get; private set; }

    /// <summary>The latest of those that were due while there were pods.</summary>
    public TimeSpan Latest { get; private set; }

    /// <summary>The latest of those that were due while there were none.</summary>
    public TimeSpan LatestAtZero { get; private set; }

    /// <summary>The lateness of half of those that were due while there were pods.</summary>
    public TimeSpan Median => _lateness.Count == 0 ? TimeSpan.Zero : _lateness.Order().ElementAt(_lateness.Count / 2);

    public bool IsClean => FiredAgain + Lost + FiredAlthoughCancelled + TooEarly == 0;

    /// <param name="timer">The timer.</param>
    /// <param name="firings">When it took effect.</param>
    public void Add(PlannedTimer timer, IReadOnlyList<DateTime> firings)
    {
        FiredAgain += Math.Max(0, firings.Count - 1);
        if (timer.IsCancelled)
        {
            Cancelled++;
            FiredAlthoughCancelled += firings.Count > 0 ? 1 : 0;
            return;
        }

        CancelledLate += timer.MayFireOrNot ? 1 : 0;
        if (firings.Count == 0)
        {
            Lost += timer.MayFireOrNot ? 0 : 1;
            return;
        }

        FiredOnce += firings.Count == 1 ? 1 : 0;
        AddLateness(timer.Due, firings[0] - timer.Due);
    }

    private void AddLateness(DateTime due, TimeSpan late)
    {
        TooEarly += late < TimeSpan.Zero ? 1 : 0;
        if (due >= zeroFrom && due < zeroUntil)
        {
            LatestAtZero = late > LatestAtZero ? late : LatestAtZero;
            return;
        }

        _lateness.Add(late);
        Latest = late > Latest ? late : Latest;
    }
}
