using CloudState.Knative.Outbox;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Journal;

/// <summary>Delivers the events of one entity type, each at least once and those of one entity in order.</summary>
/// <param name="Name">The name under which its checkpoints are stored.</param>
/// <param name="EntityType">Whose events.</param>
/// <param name="Select">Where an event goes; null if the subscription does not take it.</param>
internal sealed record JournalSubscription(string Name, string EntityType, Func<JournalEvent, SelectedEvent?> Select)
{
    /// <summary>Where it starts if it is new.</summary>
    public JournalStart Start { get; init; }
}

/// <summary>An event that a subscription takes.</summary>
/// <param name="Target">The full name of an rpc, or a topic; for display.</param>
/// <param name="Content">Makes what is delivered.</param>
internal readonly record struct SelectedEvent(string Target, Func<IDeliverable> Content);
