namespace CloudState.Knative.Faults.Replicas;

/// <summary>A counter that only grows here, so that no reply may show more than there is at the end.</summary>
[CrdtEntity<Tallies.TalliesBase>(EntityType)]
public sealed class TallyEntity : CrdtEntity<PNCounter>
{
    public const string EntityType = "tally";

    public Tally Add(TallyAddition command)
    {
        State.Increment(command.Amount);
        return Read();
    }

    public Tally Get(TallyQuery query) => Read();

    private Tally Read() => new() { Total = (int)State.Value };
}
