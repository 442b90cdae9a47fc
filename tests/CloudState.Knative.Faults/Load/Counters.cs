namespace CloudState.Knative.Faults.Load;

/// <summary>How many operations there were, and how they ended.</summary>
internal sealed class Counters
{
    private int _acknowledgedWrites;
    private int _answeredReads;
    private int _unknownWrites;
    private int _failed;

    public int Operations => _acknowledgedWrites + _answeredReads + _unknownWrites + _failed;

    public int AcknowledgedWrites => _acknowledgedWrites;

    public int AnsweredReads => _answeredReads;

    public int UnknownWrites => _unknownWrites;

    public int Failed => _failed;

    public void Count(Operation operation)
    {
        switch (operation)
        {
            case { Outcome: Outcome.Unknown }:
                Interlocked.Increment(ref _unknownWrites);
                break;
            case { Outcome: Outcome.Failed }:
                Interlocked.Increment(ref _failed);
                break;
            case { Kind: OperationKind.Write }:
                Interlocked.Increment(ref _acknowledgedWrites);
                break;
            default:
                Interlocked.Increment(ref _answeredReads);
                break;
        }
    }
}
