using System.Collections.Frozen;

namespace CloudState.Knative.Runtime;

/// <summary>The journals of a service.</summary>
/// <param name="ByType">Of the entity types that are stored as their events and have consumers.</param>
internal sealed record TypeJournals(FrozenDictionary<string, TypeJournal> ByType);
