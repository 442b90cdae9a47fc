namespace CloudState.Knative.FunctionalTests.Replicated;

[CrdtEntity<Tallies.TalliesBase>(EntityType)]
public sealed class TallyEntity : CrdtEntity<PNCounter>
{
    public const string EntityType = "tally";

    public Tally Change(TallyChange command, CommandContext context)
    {
        State.Increment(command.Amount);
        if (command.HasLevel)
        {
            Level = (CrdtLevel)command.Level;
        }

        if (command.Reject)
        {
            throw context.Fail("as told");
        }

        return Get();
    }

    public Tally Get(TallyQuery query) => Get();

    public Tally Watch(TallyQuery query) => Get();

    public Tally Delete(TallyQuery query, CommandContext context)
    {
        context.Delete();
        return Get();
    }

    [AtLevel(CrdtLevel.Local)]
    public Tally ChangeLocally(TallyChange command, CommandContext context) => Change(command, context);

    [AtLevel(CrdtLevel.Local)]
    public Tally GetLocally(TallyQuery query) => Get();

    [AtLevel(CrdtLevel.Local)]
    public Tally WatchLocally(TallyQuery query) => Get();

    [AtLevel(CrdtLevel.Everywhere)]
    public Tally ChangeEverywhere(TallyChange command, CommandContext context) => Change(command, context);

    [AtLevel(CrdtLevel.Everywhere)]
    public Tally GetEverywhere(TallyQuery query) => Get();

    private Tally Get() => new() { Total = State.Value };
}

[CrdtEntity<Guests.GuestsBase>("guests")]
public sealed class GuestsEntity : CrdtEntity<ORSet<string>>
{
    public GuestList Change(GuestChange command)
    {
        foreach (var name in command.Come)
        {
            State.Add(name);
        }

        foreach (var name in command.Leave)
        {
            State.Remove(name);
        }

        return List();
    }

    public GuestList Get(GuestQuery query) => List();

    private GuestList List() => new() { Names = { State.Order(StringComparer.Ordinal) } };
}
