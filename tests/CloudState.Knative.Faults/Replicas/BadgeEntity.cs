namespace CloudState.Knative.Faults.Replicas;

/// <summary>A set that says whether a removal has found its element.</summary>
[CrdtEntity<Badges.BadgesBase>(EntityType)]
public sealed class BadgeEntity : CrdtEntity<ORSet<int>>
{
    public const string EntityType = "badges";

    public BadgeList Add(Badge command)
    {
        State.Add(command.Number);
        return Read();
    }

    public BadgeList Remove(Badge command)
    {
        var removed = State.Remove(command.Number);
        var list = Read();
        list.Removed = removed;
        return list;
    }

    public BadgeList Get(BadgeQuery query) => Read();

    private BadgeList Read() => new() { Numbers = { State } };
}
