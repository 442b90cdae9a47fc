namespace CloudState.Knative.Storage;

/// <summary>A process that takes part in the cluster, as the others see it. Nothing of it but <see cref="IsLeaving"/> ever changes.</summary>
/// <param name="Id">New each time that the process joins.</param>
/// <param name="Revision">The Knative revision; for people.</param>
/// <param name="Address">Where its internal port is reached, as <c>host:port</c>.</param>
/// <param name="Secret">What callers of that port must present.</param>
/// <param name="EntityTypes">The entity types that it can own, with their versions.</param>
/// <param name="IsLeaving">True once it hands its slots over, to stop.</param>
internal sealed record Member(Guid Id, string Revision, string Address, string Secret, IReadOnlyDictionary<string, int> EntityTypes, bool IsLeaving = false)
{
    // What this release stores of commands, earlier ones would not recognise: their pods own nothing while there is one of this release. Raised with each such release.
    private const int StoredForm = 1;

    private const int VersionsPerForm = 1_000_000;

    /// <summary>
    /// As which replica it writes replicated values: the lowest number that no other member has, from 1, given by the store when it joins. No former holder of the seat stores anything
    /// more by then. 0 for a member of an earlier release.
    /// </summary>
    public int Seat { get; init; }

    /// <summary>What a member says of an entity type: a later stored form comes before any later version of the type.</summary>
    public static int ToMemberVersion(int entityVersion) => (StoredForm * VersionsPerForm) + entityVersion;

    /// <summary>The version of the entity type itself, for people.</summary>
    public static int ToEntityVersion(int memberVersion) => memberVersion % VersionsPerForm;
}
