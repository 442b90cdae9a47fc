using CloudState.Knative.Cluster;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Management;

/// <summary>What <c>GET /cloudstate/cluster</c> on the internal port tells: who the members are and what this one owns.</summary>
/// <param name="Self">The id of this member; null while it is none.</param>
/// <param name="Members">All members.</param>
/// <param name="Slots">By entity type.</param>
internal sealed record ClusterReport(Guid? Self, IReadOnlyList<ClusterReport.MemberReport> Members, IReadOnlyDictionary<string, ClusterReport.SlotReport> Slots)
{
    public static ClusterReport Of(ClusterState state)
    {
        var snapshot = state.Snapshot;
        var owned = state.Owned.ToLookup(slot => slot.Slot.EntityType);
        return new ClusterReport(
            snapshot.Self?.Id,
            [.. snapshot.Members.Select(member => new MemberReport(member.Id, member.Revision, member.Address, member.EntityTypes.ToDictionary(type => type.Key, type => Member.ToEntityVersion(type.Value)), member.IsLeaving))],
            state.EntityTypes.ToDictionary(type => type, type => new SlotReport(
                snapshot.SlotsPerType, owned[type].Count(slot => slot.IsHeld), owned[type].Count(slot => slot.IsDraining), Proposed(type))));

        Dictionary<Guid, int> Proposed(string type) => Enumerable.Range(0, snapshot.SlotsPerType)
            .Select(number => snapshot.ProposedOwner(new Slot(type, number)))
            .OfType<Member>()
            .CountBy(owner => owner.Id)
            .ToDictionary();
    }

    internal sealed record MemberReport(Guid Id, string Revision, string Address, IReadOnlyDictionary<string, int> EntityTypes, bool IsLeaving);

    /// <param name="Count">How many slots the type has.</param>
    /// <param name="Owned">How many of them this process owns and answers for.</param>
    /// <param name="Draining">How many of these it is handing over.</param>
    /// <param name="Proposed">How many each member should own.</param>
    internal sealed record SlotReport(int Count, int Owned, int Draining, IReadOnlyDictionary<Guid, int> Proposed);
}
