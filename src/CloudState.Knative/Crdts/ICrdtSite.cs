using CloudState.Knative.Lattices;

namespace CloudState.Knative.Crdts;

/// <summary>Where a replicated value is: the state of an entity, or an entry of a map.</summary>
internal interface ICrdtSite
{
    /// <summary>What it is now.</summary>
    Content Content { get; }

    CrdtSurroundings Surroundings { get; }

    /// <summary>Makes a change, which may turn out to be none.</summary>
    /// <exception cref="InvalidOperationException">Nothing can be changed now.</exception>
    void Change<TContent>(Func<TContent, Stamp, Change?> edit)
        where TContent : Content;
}

/// <summary>What values depend on beside what was added to them.</summary>
/// <param name="Time">For clocks.</param>
/// <param name="Member">This process, for votes.</param>
/// <param name="Members">The processes that take part now, by their seats.</param>
internal sealed record CrdtSurroundings(TimeProvider Time, Guid Member, Func<IReadOnlyDictionary<int, Guid>> Members);
