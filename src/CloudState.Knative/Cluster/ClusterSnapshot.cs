using System.Collections.Frozen;
using System.IO.Hashing;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Cluster;

/// <summary>
/// The members at one moment, and whom they propose as the owner of each slot. Every process computes the same from the same members.
/// </summary>
/// <remarks>
/// Rendezvous hashing (Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998): each member has a score for
/// each slot, and the highest wins. When a member comes it takes only the slots that it wins; when one goes only its slots move.
/// Candidates are the members that have the entity type and are not leaving, or if all that have it are leaving, these; among them
/// those with its highest version, so that older ones never meet what newer ones have written while there are newer ones.
/// </remarks>
internal sealed class ClusterSnapshot
{
    private readonly FrozenDictionary<string, Member[]> _ownersByType;

    public ClusterSnapshot(IReadOnlyList<Member> members, Guid? selfId, int slotsPerType)
    {
        Members = members;
        SlotsPerType = slotsPerType;
        Self = members.FirstOrDefault(member => member.Id == selfId);
        _ownersByType = members.SelectMany(member => member.EntityTypes.Keys).Distinct().ToFrozenDictionary(type => type, ProposeOwners);
    }

    public static ClusterSnapshot Empty { get; } = new([], null, 1);

    public IReadOnlyList<Member> Members { get; }

    public int SlotsPerType { get; }

    /// <summary>This process; null while it is not a member.</summary>
    public Member? Self { get; }

    /// <summary>Who should own a slot; null when no member has the entity type.</summary>
    public Member? ProposedOwner(Slot slot) => _ownersByType.TryGetValue(slot.EntityType, out var owners) ? owners[slot.Number] : null;

    /// <summary>The slots that this process should own.</summary>
    public IEnumerable<Slot> SlotsOfSelf() =>
        from type in Self?.EntityTypes.Keys ?? []
        from number in Enumerable.Range(0, SlotsPerType)
        where _ownersByType[type][number] == Self
        select new Slot(type, number);

    /// <summary>The same members without this process.</summary>
    public ClusterSnapshot WithoutSelf() => Self is null ? this : new ClusterSnapshot([.. Members.Where(member => member != Self)], null, SlotsPerType);

    private Member[] ProposeOwners(string entityType)
    {
        var able = Members.Where(member => member.EntityTypes.ContainsKey(entityType)).ToArray();
        var staying = Array.FindAll(able, member => !member.IsLeaving);
        var available = staying.Length > 0 ? staying : able;
        var version = available.Max(member => member.EntityTypes[entityType]);
        var candidates = available
            .Where(member => member.EntityTypes[entityType] == version)
            .Select(member => (Member: member, Seed: XxHash3.HashToUInt64(member.Id.ToByteArray())))
            .ToArray();
        return [.. Enumerable.Range(0, SlotsPerType).Select(number => candidates.MaxBy(candidate => Score(candidate.Seed, number)).Member)];
    }

    /// <summary>The finalizer of SplitMix64 (Steele, Lea and Flood, 2014), which spreads neighbouring numbers evenly.</summary>
    private static ulong Score(ulong seed, int number)
    {
        var z = seed ^ ((ulong)(number + 1) * 0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
