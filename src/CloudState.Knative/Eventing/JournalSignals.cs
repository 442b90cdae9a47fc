using System.Collections.Frozen;
using CloudState.Knative.Delivery;

namespace CloudState.Knative.Eventing;

/// <summary>Tells those who read the journal that this process has stored events.</summary>
internal sealed class JournalSignals(IEnumerable<string> entityTypes)
{
    private readonly FrozenDictionary<string, Pulse> _byType = entityTypes.Distinct().ToFrozenDictionary(type => type, _ => new Pulse());

    /// <summary>Null when nobody reads the events of the type.</summary>
    public Pulse? Of(string entityType) => _byType.GetValueOrDefault(entityType);
}
